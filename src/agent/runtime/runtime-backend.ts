import { RuntimeError } from '../../common/errors.ts';
import type {
  ApplicationId,
  EndApplication,
  NewResource,
  ReduceResource,
  StartApplication,
} from '../../contracts/agent/model.ts';
import type { RemoteCalls } from '../../offloader/rest/remote-calls.ts';
import type { Dispatcher } from '../../runtime/dispatcher.ts';
import type { CoreId, TaskId } from '../../runtime/model/ids.ts';
import type {
  AgentBackend,
  AgentStats,
  ApplicationView,
  CallContext,
  CoreElementStats,
  DataReport,
  EventListener,
  GraphData,
  LogQuery,
  Page,
  ResourceView,
  ResultValue,
  TaskEnd,
  TaskExplanation,
  TaskStory,
  TimelineData,
} from '../backend.ts';
import { APPLICATION_STATUSES, hasEnded } from '../backend.ts';
import type { Application } from './application.ts';
import type { Applications } from './applications.ts';
import type { JobLogs } from './job-logs.ts';
import { LoopLag } from './loop-lag.ts';
import type { Nodes } from './nodes.ts';
import type { Recorder } from './recorder.ts';
import {
  dataOf,
  explanationOf,
  graphOf,
  resourcesOf,
  storyOf,
  taskNamed,
  timelineOf,
  type ViewSources,
} from './views.ts';

export interface BackendParts {
  readonly dispatcher: Dispatcher;
  readonly applications: Applications;
  readonly nodes: Nodes;
  readonly recorder: Recorder;
  readonly logs: JobLogs;
  /** Calls over REST that other agents are to tell the end of. */
  readonly remoteCalls?: RemoteCalls;
  /** Longest that running applications are waited for at shutdown, in milliseconds. */
  readonly drainMs: number;
  /** Called before what still runs is cancelled because the agent stops. */
  readonly stopping?: () => void;
  /** Closes what is below: nodes, data port, store. */
  readonly close: () => Promise<void>;
}

/** The REST interface's view of the runtime. */
export class RuntimeBackend implements AgentBackend {
  readonly name: string;
  readonly incarnation: string;
  readonly #parts: BackendParts;
  readonly #views: ViewSources;
  readonly #lag = new LoopLag();
  #shutdown: Promise<void> | undefined;

  constructor(parts: BackendParts) {
    this.#parts = parts;
    this.#views = parts;
    this.name = parts.dispatcher.identity.name;
    parts.applications.subscribeAll((events) => {
      if (events.some((event) => event.type === 'status' && hasEnded(event.view.status))) parts.logs.wake();
    });
    this.incarnation = parts.dispatcher.identity.incarnation;
  }

  startApplication(request: StartApplication, context: CallContext): Promise<ApplicationId> {
    if (this.#shutdown !== undefined) return Promise.reject(new RuntimeError('ERR_SHUTTING_DOWN'));
    return this.#parts.applications.start(request, context);
  }

  application(id: ApplicationId): ApplicationView | undefined {
    const application = this.#parts.applications.find(id);
    return application === undefined ? undefined : this.#parts.applications.view(application);
  }

  request(id: ApplicationId): StartApplication | undefined {
    return this.#parts.applications.find(id)?.request;
  }

  listApplications(page: Page): readonly ApplicationView[] {
    return this.#parts.applications.list(page);
  }

  cancelApplication(id: ApplicationId, reason: string): boolean {
    return this.#parts.applications.cancel(id, reason);
  }

  result(id: ApplicationId): Promise<readonly ResultValue[]> {
    return Promise.resolve(this.#parts.applications.get(id).results);
  }

  subscribe(id: ApplicationId | 'all', after: number, listener: EventListener): () => void {
    if (id === 'all') return this.#parts.applications.subscribeAll(listener);
    return this.#parts.applications.get(id).subscribe(after, listener);
  }

  endApplication(end: EndApplication): Promise<boolean> {
    return this.#parts.remoteCalls?.end(end) ?? Promise.resolve(false);
  }

  taskEnd(id: ApplicationId): TaskEnd | undefined {
    const application = this.#parts.applications.find(id);
    if (application?.request.task === undefined) return undefined;
    const { outputs, ranMs, exception } = application;
    return {
      ...(outputs === undefined ? {} : { outputs }),
      ...(ranMs === undefined ? {} : { ranMs }),
      ...(exception === undefined ? {} : { exception }),
    };
  }

  release(id: ApplicationId): void {
    this.#parts.applications.release(id);
  }

  log(id: ApplicationId, query: LogQuery): AsyncIterable<Uint8Array> {
    const application = this.#parts.applications.get(id);
    const task = query.task === undefined ? undefined : taskNamed(application, query.task, this.#views);
    return this.#readLog(application, task, query);
  }

  async *#readLog(application: Application, task: TaskId | undefined, query: LogQuery): AsyncIterable<Uint8Array> {
    const { stream, attempt, offset, follow, signal } = query;
    if (task === undefined && follow) await mainKnown(application, signal);
    const read = task ?? application.main;
    if (read === undefined) return;
    const range = { stream, attempt, offset, follow, signal };
    yield* this.#parts.logs.read(read, range, () => hasEnded(application.status));
  }

  graph(id: ApplicationId): GraphData {
    return graphOf(this.#parts.applications.get(id), this.#views);
  }

  timeline(id: ApplicationId): TimelineData {
    return timelineOf(this.#parts.applications.get(id), this.#views);
  }

  explain(id: ApplicationId, task: string): TaskExplanation {
    return explanationOf(taskNamed(this.#parts.applications.get(id), task, this.#views), this.#views);
  }

  story(id: ApplicationId, task: string): TaskStory {
    return storyOf(taskNamed(this.#parts.applications.get(id), task, this.#views), this.#views);
  }

  resources(): readonly ResourceView[] {
    return resourcesOf(this.#views);
  }

  addResource(request: NewResource): Promise<void> {
    return this.#parts.nodes.add(request);
  }

  reduceResource(request: ReduceResource): void {
    this.#parts.nodes.reduce(request.name, request.description);
  }

  removeNode(name: string): void {
    this.#parts.nodes.remove(name);
  }

  lostNode(name: string, reason: string): void {
    this.#parts.nodes.lost(name, reason);
  }

  stats(): AgentStats {
    const { dispatcher, applications } = this.#parts;
    const counts = applications.countByStatus();
    const {
      liveVersions,
      submitted,
      blocked,
      ready,
      running,
      completed,
      failed,
      cancelled,
      rerun,
      recomputed,
      ignored,
    } = dispatcher.core.stats();
    return {
      applications: Object.fromEntries(
        APPLICATION_STATUSES.map((status) => [status, counts.get(status) ?? 0]),
      ) as AgentStats['applications'],
      tasks: { submitted, blocked, ready, running, completed, failed, cancelled, rerun, recomputed, ignored },
      coreElements: this.#coreElements(),
      store: dispatcher.store.stats(),
      transfers: dispatcher.mover.stats(),
      liveVersions,
      loopLagMs: this.#lag.milliseconds(),
    };
  }

  #coreElements(): CoreElementStats[] {
    const { dispatcher, recorder } = this.#parts;
    return [...recorder.elementTimes].map(([core, times]) => ({
      signature: dispatcher.element(core).signature,
      executed: times.executed,
      pending: dispatcher.core.pending(core as CoreId),
      running: times.running,
      ...(times.executed === 0
        ? {}
        : { minMs: times.minMs, averageMs: times.totalMs / times.executed, maxMs: times.maxMs }),
    }));
  }

  data(limit: number): DataReport {
    const { dispatcher } = this.#parts;
    const versions = dispatcher.core.versions();
    return {
      store: dispatcher.store.stats(),
      transfers: dispatcher.mover.stats(),
      versions: dataOf(limit, versions, this.#views),
      total: versions.length,
    };
  }

  notReady(): readonly string[] {
    return this.#shutdown === undefined ? [] : ['the agent is shutting down'];
  }

  shutdown(reason: string): Promise<void> {
    this.#shutdown ??= this.#stop(reason);
    return this.#shutdown;
  }

  /** Running applications may end within `drainMs`; what is left is cancelled and says so. */
  async #stop(reason: string): Promise<void> {
    const { applications, drainMs, stopping, close, logs } = this.#parts;
    if (!(await within(applications.idle(), drainMs))) {
      stopping?.();
      applications.cancelAll(`the agent is stopping (${reason})`);
      await within(applications.idle(), CANCEL_GRACE_MS);
    }
    this.#lag.close();
    await close();
    await logs.close();
  }
}

/** Cancelled code gets this long before its threads are closed under it. */
const CANCEL_GRACE_MS = 5000;

/** Resolves when the main has started, when there will be none, or when nobody waits any more. */
function mainKnown(application: Application, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (application.main === undefined && !hasEnded(application.status) && !signal.aborted) return;
      unsubscribe();
      signal.removeEventListener('abort', check);
      resolve();
    };
    let unsubscribe = (): void => undefined;
    unsubscribe = application.subscribe(Number.MAX_SAFE_INTEGER, check);
    signal.addEventListener('abort', check);
    check();
  });
}

/** True when the promise ended in time. */
async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
