import type { Dispatcher, DispatchObserver } from '../../runtime/dispatcher.ts';
import { ByInvocation } from '../../runtime/model/by-invocation.ts';
import type { CoreId, InvocationId, ResourceId, ScopeId, TaskId } from '../../runtime/model/ids.ts';
import { SELF } from '../../runtime/model/ids.ts';
import type { InvocationOutcome } from '../../runtime/model/outcome.ts';
import type { Application } from './application.ts';
import type { Applications } from './applications.ts';
import { jobHeader } from './job-header.ts';
import type { JobFiles, JobLogs } from './job-logs.ts';
import type { Nodes } from './nodes.ts';
import { type AttemptStatus, Timeline } from './timeline.ts';

/** Scope number of attempts that belong to no application (calls of peers). */
const NO_APPLICATION = -1 as ScopeId;

/** Durations of one core element on this node, in milliseconds. */
export interface ElementTimes {
  executed: number;
  totalMs: number;
  minMs: number;
  maxMs: number;
  running: number;
}

/** An attempt that has not settled, and how its files are called. */
interface Live extends JobFiles {
  readonly invocation: InvocationId;
  readonly task: TaskId;
  readonly core: CoreId;
  readonly resource: ResourceId;
  readonly application: Application | undefined;
  readonly isMain: boolean;
  startedAt: number;
  /** Its log has begun: what it prints may be told before its start is. */
  logged: boolean;
}

/** Listens to the dispatcher and keeps what people ask about: counts, times, logs, the timeline. */
export class Recorder implements DispatchObserver {
  readonly timeline: Timeline;
  readonly elementTimes = new Map<CoreId, ElementTimes>();
  readonly completedByResource = new Map<ResourceId, number>();
  readonly #live = new ByInvocation<Live>();
  /** Where the last failed attempt of a task ran, for the history in its file names. */
  readonly #failedOn = new Map<TaskId, { readonly resource: ResourceId; readonly job: number }>();
  readonly #logs: JobLogs;
  #jobs = 0;
  #dispatcher!: Dispatcher;
  #applications!: Applications;
  #nodes!: Nodes;

  constructor(timelineSize: number, logs: JobLogs) {
    this.timeline = new Timeline(timelineSize);
    this.#logs = logs;
  }

  /** The dispatcher needs its observer first: the rest is given before the first event. */
  bind(dispatcher: Dispatcher, applications: Applications, nodes: Nodes): void {
    this.#dispatcher = dispatcher;
    this.#applications = applications;
    this.#nodes = nodes;
  }

  submitted(scope: ScopeId, tasks: number): void {
    const application = this.#applications.ofScope(scope);
    // The scope of the application itself holds only its main.
    if (application === undefined || application.scope?.id === scope || application.scope === undefined) return;
    application.counter.submitted += tasks;
    application.counter.changes += 1;
  }

  launched(invocation: InvocationId, task: TaskId, attempt: number, resource: ResourceId): void {
    const record = this.#dispatcher.invocations.get(invocation);
    if (record === undefined) return;
    const { core, scope, launchedAt } = record;
    const application = this.#applications.ofScope(scope);
    const isMain = application !== undefined && application.scope?.id === scope;
    const again = attempt > 1 ? this.#failedOn.get(task) : undefined;
    const resubmitted = again?.resource === resource;
    if (!resubmitted) this.#jobs += 1;
    this.#live.set(invocation, {
      invocation,
      task,
      core,
      resource,
      application,
      isMain,
      startedAt: launchedAt,
      logged: false,
      job: resubmitted ? again.job : this.#jobs,
      history: resubmitted ? 'RESUBMITTED' : 'NEW',
      attempt,
    });
    const of = { task, attempt, core, resource, application: application?.scope?.id ?? NO_APPLICATION };
    this.timeline.launched(invocation, of, launchedAt);
    if (!isMain) application?.counter.launched();
    this.#timesOf(core).running += 1;
  }

  started(invocation: InvocationId): void {
    const live = this.#live.get(invocation);
    const record = this.#dispatcher.invocations.get(invocation);
    if (live === undefined || record === undefined) return;
    const { application, resource, task } = live;
    live.startedAt = record.startedAt;
    this.timeline.started(invocation, record.startedAt);
    if (live.isMain && application !== undefined) {
      this.#applications.mainStarted(application, this.#nodes.nameOf(resource), task);
    }
    this.#beginLog(live);
  }

  #beginLog(live: Live): void {
    if (live.logged || live.resource !== SELF) return;
    live.logged = true;
    this.#logs.started(live.invocation, live.task, live, () =>
      jobHeader(this.#dispatcher.element(live.core), live.isMain ? live.application?.request : undefined),
    );
  }

  settled(invocation: InvocationId, outcome: InvocationOutcome): void {
    const live = this.#live.get(invocation);
    if (live === undefined) return;
    this.#live.delete(invocation);
    const { task, resource } = live;
    const now = this.#dispatcher.clock.now();
    const ranMs = 'ranMs' in outcome ? outcome.ranMs : undefined;
    this.timeline.settled(invocation, outcome.status satisfies AttemptStatus, now, ranMs);
    this.#addTimes(live, outcome, ranMs ?? now - live.startedAt);
    if (!live.isMain) live.application?.counter.settled(task, this.#nodes.nameOf(resource), outcome);
    if (outcome.status === 'failed') {
      this.#failedOn.set(task, { resource, job: live.job });
      const text = outcome.error.stack ?? outcome.error.message;
      this.#logs.write(invocation, task, live, 'stderr', Buffer.from(`${text}\n`));
    } else if (outcome.status === 'completed' && live.attempt > 1) {
      this.#failedOn.delete(task);
    }
    this.#logs.settled(invocation);
  }

  output(invocation: InvocationId, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const live = this.#live.get(invocation);
    if (live === undefined) return;
    this.#beginLog(live);
    this.#logs.write(invocation, live.task, live, stream, chunk);
  }

  resourceChanged(resource: ResourceId, change: 'joined' | 'resized' | 'drained' | 'lost'): void {
    if (change === 'drained') this.#nodes.drained(resource);
    if (change === 'lost') this.#loseLive(resource);
  }

  /** Attempts of a lost node get no settlement of their own. */
  #loseLive(resource: ResourceId): void {
    for (const live of this.#live.values()) {
      if (live.resource !== resource) continue;
      this.settled(live.invocation, { status: 'lost', reason: 'node lost' });
      this.#dispatcher.invocations.settled(live.invocation);
    }
  }

  #timesOf(core: CoreId): ElementTimes {
    let times = this.elementTimes.get(core);
    if (times === undefined) {
      times = { executed: 0, totalMs: 0, minMs: Number.POSITIVE_INFINITY, maxMs: 0, running: 0 };
      this.elementTimes.set(core, times);
    }
    return times;
  }

  #addTimes({ core, resource }: Live, outcome: InvocationOutcome, ms: number): void {
    const times = this.#timesOf(core);
    times.running -= 1;
    if (outcome.status !== 'completed') return;
    this.completedByResource.set(resource, (this.completedByResource.get(resource) ?? 0) + 1);
    times.executed += 1;
    times.totalMs += ms;
    times.minMs = Math.min(times.minMs, ms);
    times.maxMs = Math.max(times.maxMs, ms);
  }
}
