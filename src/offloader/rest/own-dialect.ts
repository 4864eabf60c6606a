/** Between agents of this kind: COMPSs's bodies in JSON, with the task and its data as the runtime has them. */
import { jsonStartApplication } from '../../contracts/agent/json-write.ts';
import type {
  EndApplication,
  StartApplication,
  TaskAccess,
  TaskCall,
  TaskConstraints,
  TaskContent,
} from '../../contracts/agent/model.ts';
import { type DatumKind, writes } from '../../runtime/model/access.ts';
import { NONE, type VersionId } from '../../runtime/model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../../runtime/model/outcome.ts';
import type { Constraints } from '../../runtime/model/resource.ts';
import { INLINE_BYTES, type LaunchRequest, type NodeContext } from '../../runtime/ports.ts';
import { type Dialect, END_OPERATION } from './dialect.ts';
import type { Body } from './rest-client.ts';
import { storeBytes } from './store-bytes.ts';

/** Small values of one call beyond this go over the data port after all. */
const MOST_INLINE = 4 * 2 ** 20;
/** Ends of a task that are the other agent's failure and not the code's: it runs elsewhere. */
const LOSSES = new Set(['ERR_TASK_LOST', 'ERR_DATA_LOST', 'ERR_SHUTTING_DOWN', 'ERR_TRANSFER_FAILED']);
const UNEXPLAINED = { code: 'ERR_TASK_FAILED', message: 'The other agent gave no reason' };

export interface OwnDialectOptions {
  readonly context: NodeContext;
  /** What the other agent calls itself: tickets are made out to it. */
  readonly peer: string;
  readonly callbackUrl: () => string;
}

export class OwnDialect implements Dialect {
  readonly cancels = true;
  readonly timesOut = true;
  readonly #context: NodeContext;
  readonly #peer: string;
  readonly #callbackUrl: () => string;

  constructor({ context, peer, callbackUrl }: OwnDialectOptions) {
    this.#context = context;
    this.#peer = peer;
    this.#callbackUrl = callbackUrl;
  }

  start(request: LaunchRequest): Promise<Body> {
    const { language, module, method, settings } = request.implementation;
    const body: StartApplication = {
      language,
      className: module,
      methodName: method,
      hasResult: true,
      parameters: [],
      results: [],
      orchestrator: { host: this.#callbackUrl(), operation: END_OPERATION },
      task: this.#task(request),
      ...(settings === undefined ? {} : { settings: settings as NonNullable<StartApplication['settings']> }),
      ...(request.timeOutMs === undefined ? {} : { timeOutMs: request.timeOutMs }),
    };
    return Promise.resolve({ format: 'json', text: JSON.stringify(jsonStartApplication(body)) });
  }

  #task(request: LaunchRequest): TaskCall {
    const { accesses, inputs, names, outputs, signature, args, key } = request;
    const data = new Map<number, number>();
    const contents: (TaskContent | undefined)[] = [];
    let inline = 0;
    const listed = accesses.map((access, index): TaskAccess => {
      const datum = data.get(access.handle) ?? data.size;
      data.set(access.handle, datum);
      const version = inputs[index] ?? (NONE as VersionId);
      if (version !== NONE && contents[datum] === undefined) {
        const content = this.#content(version, access.kind, inline < MOST_INLINE);
        if ('inline' in content) inline += content.inline.length;
        contents[datum] = content;
      }
      const { direction, kind, keepRename, weight } = access;
      const name = baseName(access.name ?? names?.[index]);
      return {
        datum,
        direction,
        kind,
        ...(name === undefined ? {} : { name }),
        ...(keepRename === undefined ? {} : { keepRename }),
        ...(weight === undefined ? {} : { weight }),
      };
    });
    const constraints = constraintsOf(request.constraints ?? request.implementation.constraints);
    return {
      signature,
      caller: this.#context.self.name,
      accesses: listed,
      inputs: Array.from({ length: data.size }, (_, datum) => contents[datum]),
      returns: outputs.length - accesses.filter(({ direction }) => writes(direction)).length,
      ...(args === undefined ? {} : { args }),
      ...(key === undefined ? {} : { key }),
      ...(constraints === undefined ? {} : { constraints }),
    };
  }

  #content(version: VersionId, kind: DatumKind, mayInline: boolean): TaskContent {
    const { store, self, sources, bytes } = this.#context;
    if (mayInline && kind === 'value' && store.has(version) && store.size(version) <= INLINE_BYTES) {
      const value = store.acquire(version);
      try {
        if (value?.in === 'memory') return { inline: value.bytes };
        if (value?.in === 'slab') return { inline: new Uint8Array(value.slab, value.offset, value.length).slice() };
      } finally {
        if (value !== undefined) store.release(version);
      }
    }
    const size = store.has(version) ? store.size(version) : (bytes?.(version) ?? 0);
    return { key: `${self.incarnation}/${version}`, bytes: size, sources: sources(version, this.#peer) };
  }

  async outcome(request: LaunchRequest, end: EndApplication): Promise<InvocationOutcome> {
    const { endStatus, error = UNEXPLAINED, ranMs } = end;
    const ran = ranMs === undefined ? {} : { ranMs };
    switch (endStatus) {
      case 'OK':
        return { status: 'completed', outputs: await this.#takeOutputs(request, end.outputs ?? []), ...ran };
      case 'EXCEPTION':
        return { status: 'exception', error, outputs: await this.#takeOutputs(request, end.outputs ?? []) };
      case 'EXECUTION_FAILED':
        if (end.cancelled === true) return { status: 'cancelled' };
        return LOSSES.has(error.code) ? { status: 'lost', reason: error.message } : { status: 'failed', error, ...ran };
      default:
        return { status: 'lost', reason: `${endStatus}: ${error.message}` };
    }
  }

  /** All of them, or none. */
  async #takeOutputs(request: LaunchRequest, contents: readonly TaskContent[]): Promise<readonly OutputReport[]> {
    const { outputs, accesses } = request;
    if (contents.length !== outputs.length) {
      throw new Error(`${contents.length} outputs came where ${outputs.length} were asked for`);
    }
    const kinds = accesses.filter(({ direction }) => writes(direction)).map(({ kind }) => kind);
    const taken = await Promise.allSettled(
      outputs.map((version, index) => this.#take(version, kinds[index] ?? 'value', contents[index] as TaskContent)),
    );
    const failure = taken.find((one) => one.status === 'rejected');
    if (failure === undefined) return taken.map((one) => (one as PromiseFulfilledResult<OutputReport>).value);
    for (const version of outputs) this.#context.store.free(version);
    throw failure.reason;
  }

  #take(version: VersionId, kind: DatumKind, content: TaskContent): Promise<OutputReport> {
    const { store, mover } = this.#context;
    if ('inline' in content) {
      storeBytes(store, version, content.inline);
      return Promise.resolve({ bytes: content.inline.length, inline: true });
    }
    return new Promise((resolve, reject) => {
      mover.pull(version, kind, content.sources, (result) => {
        if ('error' in result) reject(new Error(result.error.message));
        else resolve({ bytes: result.bytes, inline: true });
      });
    });
  }
}

const baseName = (path: string | undefined): string | undefined => path?.slice(path.lastIndexOf('/') + 1);

/** Those that name nodes have been met by coming here. */
function constraintsOf(constraints: Constraints | undefined): TaskConstraints | undefined {
  if (constraints === undefined) return undefined;
  const { isLocal: _isLocal, nodes: _nodes, ...rest } = constraints;
  return rest;
}
