import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, cp } from 'node:fs/promises';
import { RuntimeError, toErrorInfo } from '../../common/errors.ts';
import type { ApplicationId, StartApplication } from '../../contracts/agent/model.ts';
import { decode } from '../../runtime/data/value-codec.ts';
import type { Dispatcher } from '../../runtime/dispatcher.ts';
import type { ScopeId, TaskId, VersionId } from '../../runtime/model/ids.ts';
import type { TaskOutcome } from '../../runtime/model/outcome.ts';
import type { Scope, StoredValue } from '../../runtime/ports.ts';
import type { ApplicationEvent, ApplicationView, CallContext, EventListener, Page, ResultValue } from '../backend.ts';
import { hasEnded } from '../backend.ts';
import { Application, type ViewContext } from './application.ts';
import type { ApplicationJournal, Resumable } from './application-journal.ts';
import type { DatumParameter } from './call.ts';
import { outputContent, type PreparedMain, prepareMain } from './prepared-main.ts';
import { ReplayOffers } from './replay-offers.ts';

interface Beginning {
  readonly context: CallContext;
  readonly offers?: ReplayOffers;
}

/** Counts are told at most this often. */
const PROGRESS_MS = 200;

/** The applications of this agent: accepts calls, follows them to their end, keeps the last ones. */
export class Applications {
  readonly #dispatcher: Dispatcher;
  /** Ended applications that stay known. */
  readonly #kept: number;
  readonly #journal: ApplicationJournal | undefined;
  readonly #all = new Map<ApplicationId, Application>();
  readonly #byScope = new Map<ScopeId, Application>();
  readonly #listeners = new Set<EventListener>();
  #ticker: NodeJS.Timeout | undefined;
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(dispatcher: Dispatcher, kept: number, journal?: ApplicationJournal) {
    this.#dispatcher = dispatcher;
    this.#kept = kept;
    this.#journal = journal;
  }

  get running(): number {
    return this.#running;
  }

  async start(request: StartApplication, context: CallContext): Promise<ApplicationId> {
    const main = await prepareMain(request);
    const id = newApplicationId();
    const createdAt = this.#dispatcher.clock.now();
    // A task of another agent is that agent's to run again.
    if (request.task === undefined) this.#journal?.accepted({ id, request, createdAt, ...context });
    const application = this.#accept(id, request, createdAt);
    this.#begin(application, main, { context });
    return id;
  }

  /** Runs again what an earlier life of the agent accepted; what its tasks completed then is offered to them. */
  async resume(earlier: Resumable): Promise<void> {
    const { id, request, createdAt, trace } = earlier;
    const application = this.#accept(id, request, createdAt);
    try {
      const main = await prepareMain(request);
      const data = main.declarations.length + main.returns.length;
      const offers = new ReplayOffers(earlier, data, this.#dispatcher.store);
      this.#begin(application, main, { context: trace === undefined ? {} : { trace }, offers });
    } catch (error) {
      this.#end(application, 'failed', toErrorInfo(error));
    }
  }

  #accept(id: ApplicationId, request: StartApplication, createdAt: number): Application {
    const application = new Application(id, request, createdAt, (event) => this.#tell(event));
    this.#all.set(id, application);
    this.#running += 1;
    this.#ticker ??= setInterval(() => this.#tick(), PROGRESS_MS).unref();
    return application;
  }

  #begin(application: Application, main: PreparedMain, { context, offers }: Beginning): void {
    const { id, request } = application;
    const scope = this.#open(application, main);
    application.emit({ type: 'status', view: application.view(this.#context()) }, this.#dispatcher.clock.now());
    for (const { handle, kind, content, name } of main.declarations) scope.declare(handle, kind, content, name);
    offers?.make(scope);
    const { timeOutMs } = request;
    const constraints = request.task?.constraints ?? request.constraints;
    scope.submit([
      {
        scope: scope.id,
        seq: 0,
        core: scope.register(main.element),
        accesses: main.accesses,
        returns: main.returns,
        onFailure: 'FAIL',
        key: main.key ?? `${id}/main`,
        notify: true,
        ...(main.args === undefined ? {} : { args: main.args }),
        // Those of this call alone: another call of the function may have others.
        ...(constraints === undefined ? {} : { constraints }),
        ...(timeOutMs === undefined ? {} : { timeOutMs }),
        ...(context.trace === undefined ? {} : { trace: context.trace }),
      },
    ]);
  }

  #open(application: Application, main: PreparedMain): Scope {
    const scope = this.#dispatcher.openScope({
      name: `application ${application.id}`,
      key: application.id,
      settled: (_seq, task, outcome) => this.#mainSettled(application, main, task, outcome),
      notice: (error) => application.emit({ type: 'notice', error }, this.#dispatcher.clock.now()),
      ended: () => undefined,
    });
    application.scope = scope;
    application.scopes.add(scope.id);
    this.#byScope.set(scope.id, application);
    return scope;
  }

  /** The application that a scope belongs to, at any depth. */
  ofScope(scope: ScopeId): Application | undefined {
    const known = this.#byScope.get(scope);
    if (known !== undefined) return known;
    const root = this.#dispatcher.scope(scope)?.root;
    const application = root === undefined ? undefined : this.#byScope.get(root);
    if (application === undefined) return undefined;
    application.scopes.add(scope);
    this.#byScope.set(scope, application);
    return application;
  }

  mainStarted(application: Application, node: string, task: TaskId): void {
    application.started(node, task, this.#dispatcher.clock.now(), this.#context());
  }

  // ------------------------------------------------------------------------------------------ the end

  #mainSettled(application: Application, main: PreparedMain, task: TaskId, outcome: TaskOutcome): void {
    application.main = task;
    if (outcome.status !== 'completed') {
      const error =
        outcome.status === 'failed'
          ? outcome.error
          : cancelled(application, this.#dispatcher.core.taskName(task), outcome.reason);
      const status = outcome.status === 'cancelled' ? 'cancelled' : error.code === 'ERR_TASK_LOST' ? 'lost' : 'failed';
      this.#end(application, status, error);
      return;
    }
    application.ranMs = outcome.ranMs;
    application.exception = outcome.exception;
    const scope = application.scope as Scope;
    scope.wait({ on: 'data', handles: main.outputs }, (result) => {
      if (result.status === 'failed') {
        this.#end(application, 'failed', result.error);
        return;
      }
      const { task: called } = application.request;
      if (called !== undefined) {
        this.#holdOutputs(application, called.caller, result.versions);
        return;
      }
      this.#collect(application, main.files, result.versions)
        .then(
          () => this.#end(application, 'completed'),
          (error: unknown) => this.#end(application, 'failed', toErrorInfo(error)),
        )
        .finally(() => scope.unpin(result.versions))
        .catch(() => undefined);
    });
  }

  /** The outputs of a task of another agent stay here until it has them. */
  #holdOutputs(application: Application, caller: string, versions: readonly VersionId[]): void {
    application.held = versions;
    application.outputs = versions.map((version) => outputContent(this.#dispatcher, version, caller));
    this.#end(application, 'completed');
  }

  /** Whoever had to be told of the end has been told. */
  release(id: ApplicationId): void {
    const application = this.#all.get(id);
    if (application?.held === undefined) return;
    application.scope?.unpin(application.held);
    application.held = undefined;
    application.scope?.close();
  }

  /** Brings files to their paths and decodes what was returned, before the scope lets go of it. */
  async #collect(
    application: Application,
    written: readonly DatumParameter[],
    versions: readonly VersionId[],
  ): Promise<void> {
    const results: ResultValue[] = [];
    for (const [index, version] of versions.entries()) {
      const value = this.#dispatcher.store.acquire(version);
      try {
        const datum = written[index];
        if (datum === undefined) results.push({ from: 'return', index: index - written.length, value: decoded(value) });
        else results.push(await fileResult(datum, value));
      } finally {
        if (value !== undefined) this.#dispatcher.store.release(version);
      }
    }
    application.results = results;
  }

  #end(
    application: Application,
    status: 'completed' | 'failed' | 'cancelled' | 'lost',
    error?: Application['error'],
  ): void {
    if (hasEnded(application.status)) return;
    this.#journal?.ended(application.id);
    application.ended(status, this.#dispatcher.clock.now(), this.#context(), error);
    if (application.held === undefined) {
      application.scope?.close(status === 'completed' ? undefined : `application ${application.id} ${status}`);
    }
    this.#running -= 1;
    this.#forgetOld();
    if (this.#running > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #forgetOld(): void {
    let ended = this.#all.size - this.#running;
    for (const application of this.#all.values()) {
      if (ended <= this.#kept) return;
      if (!hasEnded(application.status)) continue;
      this.#all.delete(application.id);
      for (const scope of application.scopes) this.#byScope.delete(scope);
      ended -= 1;
    }
  }

  // ------------------------------------------------------------------------------------------ questions

  get(id: ApplicationId): Application {
    const application = this.#all.get(id);
    if (application === undefined) throw new RuntimeError('ERR_APPLICATION_UNKNOWN', { application: id });
    return application;
  }

  find(id: ApplicationId): Application | undefined {
    return this.#all.get(id);
  }

  view(application: Application): ApplicationView {
    return application.view(this.#context());
  }

  /** Newest first. */
  list(page: Page): readonly ApplicationView[] {
    const all = [...this.#all.values()].reverse();
    const from = page.before === undefined ? 0 : all.findIndex((application) => application.id === page.before) + 1;
    return all
      .slice(from)
      .filter((application) => page.status === undefined || application.status === page.status)
      .slice(0, page.limit)
      .map((application) => this.view(application));
  }

  cancel(id: ApplicationId, reason: string): boolean {
    const application = this.get(id);
    if (hasEnded(application.status)) return false;
    application.scope?.cancel({ all: true }, reason);
    return true;
  }

  cancelAll(reason: string): void {
    for (const application of this.#all.values())
      if (!hasEnded(application.status)) application.scope?.cancel({ all: true }, reason);
  }

  /** Resolves when no application runs. */
  idle(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  countByStatus(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { status } of this.#all.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
    return counts;
  }

  subscribeAll(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(event: ApplicationEvent): void {
    for (const listener of [...this.#listeners]) listener([event]);
  }

  #tick(): void {
    const now = this.#dispatcher.clock.now();
    const context = this.#context();
    for (const application of this.#all.values()) if (!hasEnded(application.status)) application.progress(now, context);
  }

  #context(): ViewContext {
    const { core } = this.#dispatcher;
    return { statusOf: (task) => core.task(task)?.status, ready: core.stats().ready };
  }
}

/** A random signed 64-bit decimal, as COMPSs gives (spec 1.1). */
function newApplicationId(): ApplicationId {
  return randomBytes(8).readBigInt64LE().toString() as ApplicationId;
}

function cancelled(application: Application, task: string, reason: string): NonNullable<Application['error']> {
  const signature = `${application.request.className}#${application.request.methodName}`;
  return toErrorInfo(new RuntimeError('ERR_TASK_CANCELLED', { task, signature, reason }));
}

function decoded(value: StoredValue | undefined): unknown {
  if (value === undefined) return undefined;
  if (value.in === 'memory') return decode(value.bytes, { copy: true });
  if (value.in === 'slab') return decode(new Uint8Array(value.slab, value.offset, value.length), { copy: true });
  return value.encoded === true ? decode(readFileSync(value.path), { copy: true }) : undefined;
}

async function fileResult(datum: DatumParameter, value: StoredValue | undefined): Promise<ResultValue> {
  if (value?.in === 'file' && value.path !== datum.path) {
    if (datum.kind === 'directory') await cp(value.path, datum.path, { recursive: true, force: true });
    else await copyFile(value.path, datum.path);
  }
  return {
    from: datum.direction as ResultValue['from'],
    index: datum.parameter.index,
    path: datum.path,
    ...(datum.parameter.name === undefined ? {} : { name: datum.parameter.name }),
  };
}
