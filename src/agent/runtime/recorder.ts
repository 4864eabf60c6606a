import type { Dispatcher, DispatchObserver } from '../../runtime/dispatcher.ts';
import type { CoreId, InvocationId, ResourceId, ScopeId, TaskId } from '../../runtime/model/ids.ts';
import { SELF } from '../../runtime/model/ids.ts';
import type { InvocationOutcome } from '../../runtime/model/outcome.ts';
import type { Application } from './application.ts';
import type { Applications } from './applications.ts';
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

interface Live {
  readonly application: Application | undefined;
  readonly isMain: boolean;
  readonly files: JobFiles;
}

/** Listens to the dispatcher and keeps what people ask about: counts, times, logs, the timeline. */
export class Recorder implements DispatchObserver {
  readonly timeline: Timeline;
  readonly elementTimes = new Map<CoreId, ElementTimes>();
  readonly completedByResource = new Map<ResourceId, number>();
  readonly #live = new Map<InvocationId, Live>();
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
    const application = this.#applications.ofScope(record.scope);
    const isMain = application !== undefined && application.scope?.id === record.scope;
    this.#live.set(invocation, { application, isMain, files: this.#filesOf(task, attempt, resource) });
    this.timeline.launched(
      invocation,
      { task, attempt, core: record.core, resource, application: application?.scope?.id ?? NO_APPLICATION },
      record.launchedAt,
    );
    if (!isMain) application?.counter.launched();
    const times = this.#timesOf(record.core);
    times.running += 1;
  }

  started(invocation: InvocationId): void {
    const live = this.#live.get(invocation);
    const record = this.#dispatcher.invocations.get(invocation);
    if (live === undefined || record === undefined) return;
    this.timeline.started(invocation, record.startedAt);
    if (live.isMain && live.application !== undefined) {
      this.#applications.mainStarted(live.application, this.#nodes.nameOf(record.resource), record.task);
    }
    if (record.resource === SELF)
      this.#logs.started(invocation, record.task, live.files, () => this.#header(record.core));
  }

  settled(invocation: InvocationId, outcome: InvocationOutcome): void {
    const live = this.#live.get(invocation);
    const record = this.#dispatcher.invocations.get(invocation);
    if (live === undefined || record === undefined) return;
    this.#live.delete(invocation);
    const now = this.#dispatcher.clock.now();
    const ranMs = 'ranMs' in outcome ? outcome.ranMs : undefined;
    this.timeline.settled(invocation, outcome.status satisfies AttemptStatus, now, ranMs);
    this.#addTimes(record.core, record.resource, outcome, ranMs ?? now - record.startedAt);
    if (!live.isMain) live.application?.counter.settled(record.task, this.#nodes.nameOf(record.resource), outcome);
    if (outcome.status === 'failed') {
      this.#failedOn.set(record.task, { resource: record.resource, job: live.files.job });
      const text = outcome.error.stack ?? outcome.error.message;
      this.#logs.write(invocation, record.task, live.files, 'stderr', Buffer.from(`${text}\n`));
    } else if (outcome.status === 'completed') {
      this.#failedOn.delete(record.task);
    }
    this.#logs.settled(invocation);
  }

  output(invocation: InvocationId, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const live = this.#live.get(invocation);
    const record = this.#dispatcher.invocations.get(invocation);
    if (live !== undefined && record !== undefined)
      this.#logs.write(invocation, record.task, live.files, stream, chunk);
  }

  resourceChanged(resource: ResourceId, change: 'joined' | 'resized' | 'drained' | 'lost'): void {
    if (change === 'drained') this.#nodes.drained(resource);
    if (change === 'lost') this.#loseLive(resource);
  }

  /** Attempts of a lost node get no settlement of their own. */
  #loseLive(resource: ResourceId): void {
    for (const invocation of [...this.#live.keys()]) {
      if (this.#dispatcher.invocations.get(invocation)?.resource !== resource) continue;
      this.settled(invocation, { status: 'lost', reason: 'node lost' });
      this.#dispatcher.invocations.settled(invocation);
    }
  }

  #filesOf(task: TaskId, attempt: number, resource: ResourceId): JobFiles {
    const before = attempt > 1 ? this.#failedOn.get(task) : undefined;
    if (before?.resource === resource) return { job: before.job, history: 'RESUBMITTED', attempt };
    this.#jobs += 1;
    return { job: this.#jobs, history: 'NEW', attempt };
  }

  #timesOf(core: CoreId): ElementTimes {
    let times = this.elementTimes.get(core);
    if (times === undefined) {
      times = { executed: 0, totalMs: 0, minMs: Number.POSITIVE_INFINITY, maxMs: 0, running: 0 };
      this.elementTimes.set(core, times);
    }
    return times;
  }

  #addTimes(core: CoreId, resource: ResourceId, outcome: InvocationOutcome, ms: number): void {
    const times = this.#timesOf(core);
    times.running -= 1;
    if (outcome.status !== 'completed') return;
    this.completedByResource.set(resource, (this.completedByResource.get(resource) ?? 0) + 1);
    times.executed += 1;
    times.totalMs += ms;
    times.minMs = Math.min(times.minMs, ms);
    times.maxMs = Math.max(times.maxMs, ms);
  }

  /** What COMPSs writes first in debug (spec 3.7). */
  #header(core: CoreId): string {
    const { implementations, signature } = this.#dispatcher.element(core);
    const { module, method } = implementations[0] ?? { module: signature, method: '' };
    return [
      'WORKER - Parameters of execution:',
      '  * Method type: METHOD',
      `  * Method definition: [DECLARING CLASS=${module}, METHOD NAME=${method}]`,
      `  * Signature: ${signature}`,
      '',
    ].join('\n');
  }
}
