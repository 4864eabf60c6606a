import type { ErrorInfo } from '../../common/errors.ts';
import type { ApplicationId, StartApplication, TaskContent } from '../../contracts/agent/model.ts';
import type { ScopeId, TaskId, VersionId } from '../../runtime/model/ids.ts';
import type { Scope } from '../../runtime/ports.ts';
import type {
  ApplicationEvent,
  ApplicationEventBody,
  ApplicationStatus,
  ApplicationView,
  EventListener,
  ResultValue,
} from '../backend.ts';
import { hasEnded } from '../backend.ts';
import { type StatusOf, TaskCounter } from './counts.ts';

/** Events of one application that late subscribers still get. */
const KEPT_EVENTS = 1000;

/** What the whole agent knows and a view needs. */
export interface ViewContext {
  readonly statusOf: StatusOf;
  /** Ready tasks of the whole agent. */
  readonly ready: number;
}

/** An externally requested call: its life, its counts, its events. No I/O. */
export class Application {
  readonly id: ApplicationId;
  readonly request: StartApplication;
  readonly createdAt: number;
  readonly counter = new TaskCounter();
  /** Scopes of every depth that belong to it, its own first. */
  readonly scopes = new Set<ScopeId>();
  scope: Scope | undefined;
  status: ApplicationStatus = 'accepted';
  node: string | undefined;
  main: TaskId | undefined;
  startedAt: number | undefined;
  endedAt: number | undefined;
  error: ErrorInfo | undefined;
  results: readonly ResultValue[] = [];
  /** Of a task of another agent: what it gets, and the versions that are kept for it. */
  outputs: readonly TaskContent[] | undefined;
  held: readonly VersionId[] | undefined;
  exception: ErrorInfo | undefined;
  ranMs: number | undefined;
  readonly #events: ApplicationEvent[] = [];
  readonly #listeners = new Set<EventListener>();
  readonly #tell: (event: ApplicationEvent) => void;
  #seq = 0;
  #reportedChanges = 0;

  constructor(
    id: ApplicationId,
    request: StartApplication,
    createdAt: number,
    tell: (event: ApplicationEvent) => void,
  ) {
    this.id = id;
    this.request = request;
    this.createdAt = createdAt;
    this.#tell = tell;
  }

  started(node: string, main: TaskId, at: number, context: ViewContext): void {
    this.node = node;
    this.main = main;
    if (this.status !== 'accepted') return;
    this.status = 'running';
    this.startedAt = at;
    this.emit({ type: 'status', view: this.view(context) }, at);
  }

  ended(status: ApplicationStatus, at: number, context: ViewContext, error?: ErrorInfo): void {
    if (hasEnded(this.status)) return;
    this.progress(at, context);
    this.status = status;
    this.endedAt = at;
    this.error = error;
    this.emit({ type: 'status', view: this.view(context) }, at);
  }

  /** Tells the counts when they have changed since the last time. */
  progress(at: number, context: ViewContext): void {
    if (this.counter.changes === this.#reportedChanges) return;
    this.#reportedChanges = this.counter.changes;
    const { tasks, completedByNode } = this.view(context);
    this.emit({ type: 'progress', tasks, completedByNode }, at);
  }

  view({ statusOf, ready }: ViewContext): ApplicationView {
    return {
      id: this.id,
      status: this.status,
      language: this.request.language,
      className: this.request.className,
      methodName: this.request.methodName,
      createdAt: this.createdAt,
      tasks: this.counter.counts(statusOf, ready, hasEnded(this.status)),
      completedByNode: this.counter.completedByNode(),
      ...(this.node === undefined ? {} : { node: this.node }),
      ...(this.startedAt === undefined ? {} : { startedAt: this.startedAt }),
      ...(this.endedAt === undefined ? {} : { endedAt: this.endedAt }),
      ...(this.error === undefined ? {} : { error: this.error }),
    };
  }

  emit(body: ApplicationEventBody, at: number): void {
    const event: ApplicationEvent = { application: this.id, seq: ++this.#seq, at, ...body };
    this.#events.push(event);
    if (this.#events.length > KEPT_EVENTS) this.#events.shift();
    for (const listener of [...this.#listeners]) listener([event]);
    this.#tell(event);
  }

  subscribe(after: number, listener: EventListener): () => void {
    const kept = this.#events.filter((event) => event.seq > after);
    if (kept.length > 0) listener(kept);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
