import { RuntimeError, toErrorInfo } from '../../common/errors.ts';
import { parseApplicationId } from '../../contracts/agent/application-id.ts';
import type { ApplicationId, EndApplication } from '../../contracts/agent/model.ts';
import type { DatumKind } from '../../runtime/model/access.ts';
import type { InvocationId, VersionId } from '../../runtime/model/ids.ts';
import type { InvocationOutcome } from '../../runtime/model/outcome.ts';
import type { ResourceDescription } from '../../runtime/model/resource.ts';
import type { DataSource, LaunchRequest, NodeHandle, NodeWatcher } from '../../runtime/ports.ts';
import type { Dialect } from './dialect.ts';
import type { RemoteCalls } from './remote-calls.ts';
import { type Answer, isRefused, type RestClient, reasonOf } from './rest-client.ts';

export interface RestNodeParts {
  readonly description: ResourceDescription;
  readonly client: RestClient;
  readonly dialect: Dialect;
  readonly calls: RemoteCalls;
  readonly watcher: NodeWatcher;
  /** A closed port was met. */
  readonly refused: () => void;
  /** Nobody waits for these outputs any more. */
  readonly cancelPulls: (versions: readonly VersionId[]) => void;
  readonly close: () => Promise<void>;
}

/** One attempt, from launch to its end. */
interface Call {
  readonly request: LaunchRequest;
  id: ApplicationId | undefined;
  cancelled: boolean;
  /** Its outputs are on their way here. */
  fetching: boolean;
  timer: NodeJS.Timeout | undefined;
}

const CALL_TIMEOUT_MS = 30_000;

/** Another agent over REST: one call for each attempt, and one call back. Data come and go with the calls. */
export class RestNode implements NodeHandle {
  readonly #parts: RestNodeParts;
  readonly #open = new Map<InvocationId, Call>();
  #description: ResourceDescription;

  constructor(parts: RestNodeParts) {
    this.#parts = parts;
    this.#description = parts.description;
  }

  get description(): ResourceDescription {
    return this.#description;
  }

  launch(batch: readonly LaunchRequest[]): void {
    for (const request of batch) {
      const call: Call = { request, id: undefined, cancelled: false, fetching: false, timer: undefined };
      this.#open.set(request.invocation, call);
      void this.#call(call);
    }
  }

  cancel(invocation: InvocationId): void {
    const call = this.#open.get(invocation);
    if (call === undefined || call.cancelled) return;
    call.cancelled = true;
    if (call.id !== undefined) void this.#cancelThere(call, call.id);
  }

  /** The agent cannot tell whether it has started. */
  recall(): void {}

  /** The agent books its own units. */
  resume(): void {}

  /** Data travel with the calls. */
  stageIn(version: VersionId, _kind: DatumKind): void {
    queueMicrotask(() => this.#parts.watcher.transferFailed(version, 'agents over REST get data with calls alone'));
  }

  cancelStageIn(): void {}

  evict(): void {}

  /** Nothing is left there. */
  source(): DataSource | undefined {
    return undefined;
  }

  resize(description: ResourceDescription): void {
    this.#description = description;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const call of this.#open.values()) this.#drop(call);
    this.#open.clear();
    await this.#parts.close();
  }

  // ------------------------------------------------------------------------------------------ the call

  async #call(call: Call): Promise<void> {
    const { dialect, client, calls } = this.#parts;
    const body = await dialect.start(call.request).catch((error: unknown) => {
      this.#settle(call, refusal(error));
    });
    if (body === undefined) return;
    if (call.cancelled) return this.#settle(call, { status: 'cancelled' });
    const submission = calls.submit();
    try {
      const answer = await client.send('PUT', '/COMPSs/startApplication', body, CALL_TIMEOUT_MS);
      const id = answer.status === 200 ? parseApplicationId(answer.text.trim()) : undefined;
      if (id === undefined) return this.#settle(call, this.#refused(answer));
      this.#accepted(call, id);
      submission.accepted(id, (end) => this.#ended(call, end));
    } catch (error) {
      this.#settle(call, { status: 'lost', reason: `the call did not arrive: ${reasonOf(error)}` });
      if (isRefused(error)) this.#parts.refused();
    } finally {
      submission.refused();
    }
  }

  #accepted(call: Call, id: ApplicationId): void {
    if (!this.#isOpen(call)) return;
    call.id = id;
    this.#parts.watcher.started(call.request.invocation);
    if (call.cancelled) void this.#cancelThere(call, id);
    const { timeOutMs } = call.request;
    if (timeOutMs && !this.#parts.dialect.timesOut) {
      call.timer = setTimeout(() => this.#timedOut(call, timeOutMs), timeOutMs);
    }
  }

  #refused({ status, text }: Answer): InvocationOutcome {
    const { message, code } = errorIn(text);
    if (status === 503 || status === 429) return { status: 'lost', reason: message };
    const details = { node: this.#description.name, status, reason: message };
    const error = toErrorInfo(new RuntimeError('ERR_CALL_REFUSED', details));
    return { status: 'failed', error: code === undefined ? error : { ...error, cause: { code, message } } };
  }

  #timedOut(call: Call, timeOutMs: number): void {
    const { task, signature } = call.request;
    const details = { task, signature, timeOutMs, node: this.#description.name };
    this.#settle(call, { status: 'failed', error: toErrorInfo(new RuntimeError('ERR_TASK_TIMED_OUT', details)) });
  }

  async #cancelThere(call: Call, id: ApplicationId): Promise<void> {
    const { dialect, client } = this.#parts;
    if (dialect.cancels) {
      const answer = await client
        .send('PUT', `/COMPSs/applications/${id}/cancel`, { format: 'json', text: '{}' }, CALL_TIMEOUT_MS)
        .catch(() => undefined);
      // Its end follows, as that of any call.
      if (answer?.status === 200) return;
    }
    this.#settle(call, { status: 'cancelled' });
  }

  // ------------------------------------------------------------------------------------------ the end

  async #ended(call: Call, end: EndApplication): Promise<void> {
    if (!this.#isOpen(call)) return;
    let outcome: InvocationOutcome;
    call.fetching = true;
    try {
      outcome = await this.#parts.dialect.outcome(call.request, end);
    } catch (error) {
      outcome = { status: 'lost', reason: `what it returned could not be fetched: ${reasonOf(error)}` };
    }
    call.fetching = false;
    this.#settle(call, outcome);
  }

  #isOpen(call: Call): boolean {
    return this.#open.get(call.request.invocation) === call;
  }

  #settle(call: Call, outcome: InvocationOutcome): void {
    const { invocation } = call.request;
    if (!this.#isOpen(call)) return;
    this.#open.delete(invocation);
    this.#drop(call);
    this.#parts.watcher.settled(invocation, outcome);
  }

  #drop(call: Call): void {
    clearTimeout(call.timer);
    if (call.fetching) this.#parts.cancelPulls(call.request.outputs);
    if (call.id !== undefined) this.#parts.calls.abandon(call.id);
  }
}

function refusal(error: unknown): InvocationOutcome {
  return error instanceof RuntimeError
    ? { status: 'failed', error: toErrorInfo(error) }
    : { status: 'lost', reason: reasonOf(error) };
}

/** Our own agents answer with JSON, COMPSs's with the text of an exception. */
function errorIn(text: string): { readonly message: string; readonly code?: string } {
  try {
    const { message, code } = JSON.parse(text) as { message?: unknown; code?: unknown };
    if (typeof message === 'string') return typeof code === 'string' ? { message, code } : { message };
  } catch {
    // Not JSON.
  }
  return { message: text.trim().slice(0, 500) || 'it gave no reason' };
}
