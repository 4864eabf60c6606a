import type {
  AgentBackend,
  AgentStats,
  ApplicationEvent,
  ApplicationEventBody,
  ApplicationStatus,
  ApplicationView,
  CallContext,
  DataReport,
  EventListener,
  GraphData,
  LogQuery,
  Page,
  ResourceView,
  ResultValue,
  TaskExplanation,
  TaskStory,
  TimelineData,
} from '../../src/agent/backend.ts';
import { hasEnded } from '../../src/agent/backend.ts';
import { RuntimeError } from '../../src/common/errors.ts';
import { makeApplicationId } from '../../src/contracts/agent/application-id.ts';
import type {
  ApplicationId,
  EndApplication,
  NewResource,
  ReduceResource,
  StartApplication,
} from '../../src/contracts/agent/model.ts';

const NO_TASKS = { submitted: 0, blocked: 0, ready: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
const STORE = { versions: 0, pinned: 0, inlineBytes: 0, regionBytes: 0, slabBytes: 0, spilledBytes: 0 };

interface Entry {
  view: ApplicationView;
  readonly request: StartApplication;
  readonly events: ApplicationEvent[];
  readonly listeners: Set<EventListener>;
  results: readonly ResultValue[];
}

/** Records what the routes ask for, and plays the part of a runtime whose applications end when a test says so. */
export class RecordingBackend implements AgentBackend {
  readonly name = 'tester';
  readonly calls: { readonly method: string; readonly argument: unknown }[] = [];
  readonly applications = new Map<ApplicationId, Entry>();
  pool: readonly ResourceView[] = [selfView(2)];
  graphData: GraphData = { tasks: [], edges: [], syncs: [], forgotten: 0 };
  timelineData: TimelineData = { attempts: [], transfers: [] };
  reasons: readonly string[] = [];
  logChunks: readonly string[] = [];
  /** Calls of these methods throw. */
  failures = new Map<string, Error>();
  readonly #all = new Set<EventListener>();
  #next = -5n;

  #record(method: string, argument: unknown): void {
    this.calls.push({ method, argument });
    const failure = this.failures.get(method);
    if (failure !== undefined) throw failure;
  }

  async startApplication(request: StartApplication, context: CallContext): Promise<ApplicationId> {
    this.#record('startApplication', { request, context });
    const id = makeApplicationId(this.#next);
    this.#next -= 1n;
    const { language, className, methodName } = request;
    const view = {
      id,
      status: 'accepted' as const,
      language,
      className,
      methodName,
      createdAt: 1000,
      tasks: NO_TASKS,
      completedByNode: {},
    };
    this.applications.set(id, { view, request, events: [], listeners: new Set(), results: [] });
    this.emit(id, { type: 'status', view });
    return id;
  }

  /** Moves an application on, and tells whoever listens. */
  move(id: ApplicationId, status: ApplicationStatus, more: Partial<ApplicationView> = {}): void {
    const entry = this.#get(id);
    const endedAt = hasEnded(status) ? { endedAt: entry.view.createdAt + 250 } : {};
    entry.view = { ...entry.view, ...endedAt, ...more, status };
    this.emit(id, { type: 'status', view: entry.view });
  }

  emit(id: ApplicationId, body: ApplicationEventBody): void {
    const entry = this.#get(id);
    const event: ApplicationEvent = { application: id, seq: entry.events.length + 1, at: 1000, ...body };
    entry.events.push(event);
    for (const listener of [...entry.listeners, ...this.#all]) listener([event]);
  }

  complete(id: ApplicationId, results: readonly ResultValue[]): void {
    this.#get(id).results = results;
    this.move(id, 'completed');
  }

  get listeners(): number {
    let count = this.#all.size;
    for (const entry of this.applications.values()) count += entry.listeners.size;
    return count;
  }

  #get(id: ApplicationId): Entry {
    const entry = this.applications.get(id);
    if (entry === undefined) throw new RuntimeError('ERR_APPLICATION_UNKNOWN', { application: id });
    return entry;
  }

  application(id: ApplicationId): ApplicationView | undefined {
    return this.applications.get(id)?.view;
  }

  request(id: ApplicationId): StartApplication | undefined {
    return this.applications.get(id)?.request;
  }

  listApplications(page: Page): readonly ApplicationView[] {
    this.#record('listApplications', page);
    return [...this.applications.values()]
      .map((entry) => entry.view)
      .reverse()
      .slice(0, page.limit);
  }

  cancelApplication(id: ApplicationId, reason: string): boolean {
    this.#record('cancelApplication', { id, reason });
    if (hasEnded(this.#get(id).view.status)) return false;
    this.move(id, 'cancelled');
    return true;
  }

  async result(id: ApplicationId): Promise<readonly ResultValue[]> {
    return this.#get(id).results;
  }

  subscribe(id: ApplicationId | 'all', after: number, listener: EventListener): () => void {
    const listeners = id === 'all' ? this.#all : this.#get(id).listeners;
    const kept = id === 'all' ? [] : this.#get(id).events.filter((event) => event.seq > after);
    if (kept.length > 0) listener(kept);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  async endApplication(end: EndApplication): Promise<boolean> {
    this.#record('endApplication', end);
    return end.jobId === '-123';
  }

  taskEnd(): undefined {
    return undefined;
  }

  release(id: ApplicationId): void {
    this.#record('release', id);
  }

  async *log(id: ApplicationId, query: LogQuery): AsyncIterable<Uint8Array> {
    const { signal, ...rest } = query;
    this.#record('log', { id, ...rest });
    for (const chunk of this.logChunks) yield Buffer.from(chunk);
    if (query.follow && !signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }

  graph(): GraphData {
    return this.graphData;
  }

  timeline(): TimelineData {
    return this.timelineData;
  }

  explain(id: ApplicationId, task: string): TaskExplanation {
    this.#record('explain', { id, task });
    return {
      task,
      status: 'ready',
      summary: 'no slot is free',
      waitsFor: [],
      resources: [{ name: 'tester', reason: 'busy' }],
    };
  }

  story(id: ApplicationId, task: string): TaskStory {
    this.#record('story', { id, task });
    throw new RuntimeError('ERR_TASK_UNKNOWN', { task, application: id });
  }

  resources(): readonly ResourceView[] {
    return this.pool;
  }

  async addResource(request: NewResource): Promise<void> {
    this.#record('addResource', request);
  }

  reduceResource(request: ReduceResource): void {
    this.#record('reduceResource', request);
  }

  removeNode(name: string): void {
    this.#record('removeNode', name);
  }

  lostNode(name: string, reason: string): void {
    this.#record('lostNode', { name, reason });
  }

  stats(): AgentStats {
    return {
      applications: { accepted: 1, running: 2, completed: 3, failed: 0, cancelled: 0, lost: 0 },
      tasks: { ...NO_TASKS, completed: 7, rerun: 1, recomputed: 0, ignored: 0 },
      coreElements: [{ signature: 'm#f()', executed: 4, pending: 2, running: 1, minMs: 1, averageMs: 2.5, maxMs: 4 }],
      store: STORE,
      transfers: { bytesIn: 10, bytesOut: 20, pulls: 1, failures: 0 },
      liveVersions: 3,
      loopLagMs: 1,
    };
  }

  data(limit: number): DataReport {
    this.#record('data', limit);
    return { store: STORE, transfers: { bytesIn: 10, bytesOut: 20, pulls: 1, failures: 0 }, versions: [], total: 0 };
  }

  notReady(): readonly string[] {
    return this.reasons;
  }

  async shutdown(reason: string): Promise<void> {
    this.#record('shutdown', reason);
  }
}

export function selfView(units: number): ResourceView {
  return {
    description: { name: 'tester', scheme: 'local', processors: [{ name: 'MainProcessor', type: 'CPU', units }] },
    self: true,
    state: 'active',
    freeCpus: units,
    running: 0,
    queued: 0,
    completed: 0,
  };
}
