import { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { NewResource, NodeDescription } from '../../contracts/agent/model.ts';
import type { Dispatcher } from '../../runtime/dispatcher.ts';
import type { ResourceId } from '../../runtime/model/ids.ts';
import { SELF } from '../../runtime/model/ids.ts';
import type { ResourceDescription } from '../../runtime/model/resource.ts';
import type { Adaptor, NodeContext } from '../../runtime/ports.ts';

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5000;

/** A node by name: connected (it has a resource) or being connected. */
interface Known {
  readonly name: string;
  readonly adaptor: Adaptor | undefined;
  readonly spec: { readonly scheme: string } | undefined;
  description: ResourceDescription;
  resource: ResourceId | undefined;
  /** Ends when the first connection stands or has failed. */
  connected: Promise<void>;
  /** Aborted when the node is removed: no further attempt to connect. */
  readonly abort: AbortController;
  leaving: boolean;
}

export interface NodeNames {
  readonly name: string;
  readonly state: 'connecting' | 'known' | 'leaving';
  readonly description: ResourceDescription;
}

/**
 * The pool of an agent by name (the name is a node's identity, also the agent's own). A node that is lost is connected
 * again, with back-off, until it is removed; it then joins as a new resource, since what it held is gone.
 */
export class Nodes {
  readonly #dispatcher: Dispatcher;
  readonly #context: NodeContext;
  readonly #logger: Logger;
  readonly #adaptors = new Map<string, Adaptor>();
  readonly #known = new Map<string, Known>();
  readonly #names: string[] = [];
  #closed = false;

  constructor(dispatcher: Dispatcher, context: NodeContext, adaptors: readonly Adaptor[], logger: Logger) {
    this.#dispatcher = dispatcher;
    this.#context = context;
    this.#logger = logger;
    for (const adaptor of adaptors) {
      for (const name of [adaptor.scheme, ...adaptor.aliases]) this.#adaptors.set(name, adaptor);
    }
  }

  /** The agent itself: connected from the start. */
  addSelf(description: ResourceDescription): void {
    this.#names[SELF] = description.name;
    this.#known.set(description.name, {
      name: description.name,
      adaptor: undefined,
      spec: undefined,
      description,
      resource: SELF,
      connected: Promise.resolve(),
      abort: new AbortController(),
      leaving: false,
    });
  }

  /** Name of a resource, also of one that has gone. */
  nameOf(resource: ResourceId): string {
    return this.#names[resource] ?? `resource ${resource}`;
  }

  /** Names that are not in the core: still connecting, or between a loss and the next connection. */
  connecting(): readonly NodeNames[] {
    return [...this.#known.values()]
      .filter((known) => known.resource === undefined)
      .map(({ name, description }) => ({ name, state: 'connecting', description }));
  }

  /**
   * Adds a node, or capacity to a known one (its adaptor and properties are then ignored, as COMPSs does).
   * Throws ERR_ADAPTOR_UNKNOWN, ERR_CONFIG_INVALID, or what connecting failed with.
   */
  async add(request: NewResource): Promise<void> {
    for (let known = this.#known.get(request.name); known !== undefined; known = this.#known.get(request.name)) {
      await known.connected;
      if (this.#known.get(request.name) !== known) continue;
      this.#grow(known, request);
      return;
    }
    await this.#connectNew(request);
  }

  #grow(known: Known, request: NewResource): void {
    const by = describe(request.name, known.description.scheme, request.description);
    known.leaving = false;
    if (known.resource === undefined) {
      throw new RuntimeError('ERR_NODE_UNREACHABLE', {
        node: known.name,
        reason: 'it was lost and is being connected again',
      });
    }
    this.#dispatcher.post({ type: 'resource-grown', resource: known.resource, by });
  }

  async #connectNew(request: NewResource): Promise<void> {
    const adaptor = this.#adaptors.get(request.adaptor ?? 'grpc-agent');
    if (adaptor === undefined) {
      const known = [...this.#adaptors.keys()].join(', ');
      throw new RuntimeError('ERR_ADAPTOR_UNKNOWN', { adaptor: request.adaptor, known });
    }
    const spec = adaptor.parseSpec(request.name, { ...request.projectProperties, ...request.resourceProperties });
    const known: Known = {
      name: request.name,
      adaptor,
      spec,
      description: describe(request.name, adaptor.scheme, request.description),
      resource: undefined,
      connected: Promise.resolve(),
      abort: new AbortController(),
      leaving: false,
    };
    const attempt = this.#connect(known);
    // Others that add the same name wait for the end of this attempt, whatever it is.
    known.connected = attempt.catch(() => undefined);
    this.#known.set(known.name, known);
    try {
      await attempt;
    } catch (error) {
      if (this.#known.get(known.name) === known) this.#known.delete(known.name);
      throw error;
    }
  }

  async #connect(known: Known): Promise<void> {
    const { adaptor, spec } = known;
    if (adaptor === undefined || spec === undefined) return;
    const { resource, watcher } = this.#dispatcher.reserveNode();
    this.#names[resource] = known.name;
    const node = await adaptor.connect(
      spec,
      known.description,
      this.#context,
      { ...watcher, lost: (reason) => this.#lost(known, resource, reason) },
      known.abort.signal,
    );
    if (known.abort.signal.aborted || this.#closed) {
      await node[Symbol.asyncDispose]();
      throw new RuntimeError('ERR_NODE_UNREACHABLE', {
        node: known.name,
        reason: 'it was removed while it was being connected',
      });
    }
    known.resource = resource;
    this.#dispatcher.attach(resource, node);
    this.#logger.info({ node: known.name, scheme: known.description.scheme }, 'node connected');
  }

  #lost(known: Known, resource: ResourceId, reason: string): void {
    this.#dispatcher.loseNode(resource, reason);
    if (known.resource !== resource) return;
    known.resource = undefined;
    if (known.leaving || this.#closed || known.abort.signal.aborted) {
      this.#known.delete(known.name);
      return;
    }
    known.connected = this.#reconnect(known);
  }

  async #reconnect(known: Known): Promise<void> {
    for (let delay = FIRST_RETRY_MS; !known.abort.signal.aborted; delay = Math.min(LAST_RETRY_MS, delay * 2)) {
      await pause(delay, known.abort.signal);
      if (known.abort.signal.aborted) return;
      try {
        await this.#connect(known);
        return;
      } catch (error) {
        this.#logger.debug({ node: known.name, error: String(error) }, 'connecting again failed');
      }
    }
  }

  reduce(name: string, description: NodeDescription): void {
    const known = this.#need(name);
    if (known.resource === undefined) return;
    this.#dispatcher.post({
      type: 'resource-shrink-requested',
      resource: known.resource,
      by: describe(name, known.description.scheme, description),
    });
  }

  /** Graceful: its tasks end, data held only there come here, then it is closed. */
  remove(name: string): void {
    const known = this.#need(name);
    known.leaving = true;
    if (known.resource === undefined) this.#forget(known);
    else this.#dispatcher.post({ type: 'resource-leave-requested', resource: known.resource });
  }

  /** At once: somebody knows that the node is dead. It is not connected again. */
  lost(name: string, reason: string): void {
    const known = this.#need(name);
    const { resource } = known;
    if (resource === SELF) {
      throw new RuntimeError('ERR_REQUEST_INVALID', {
        field: 'workerName',
        reason: 'an agent cannot lose itself; use removeNode or stop it',
      });
    }
    this.#forget(known);
    if (resource !== undefined) this.#dispatcher.loseNode(resource, reason);
  }

  /** The core has let go of a resource that was asked to leave. */
  drained(resource: ResourceId): void {
    for (const known of this.#known.values()) if (known.resource === resource && resource !== SELF) this.#forget(known);
  }

  close(): void {
    this.#closed = true;
    for (const known of this.#known.values()) known.abort.abort();
  }

  #forget(known: Known): void {
    known.abort.abort();
    this.#known.delete(known.name);
  }

  #need(name: string): Known {
    const known = this.#known.get(name);
    if (known === undefined)
      throw new RuntimeError('ERR_RESOURCE_UNKNOWN', { name, known: [...this.#known.keys()].join(', ') });
    return known;
  }
}

export function describe(name: string, scheme: string, description: NodeDescription): ResourceDescription {
  return { ...description, name, scheme };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    timer.unref();
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
