import { invalidFrame } from '../../contracts/agent-link/wire.ts';
import type { Provenance } from '../../contracts/gen/agent_pb.ts';
import { copyOf } from '../../offloader/grpc-agent/small-copy.ts';
import type { DatumKind } from '../../runtime/model/access.ts';
import type { Handle } from '../../runtime/model/ids.ts';
import type {
  AgentIdentity,
  DataKey,
  DataMover,
  DataSource,
  DatumContent,
  ObjectStore,
  Scope,
} from '../../runtime/ports.ts';
import { INLINE_BYTES } from '../../runtime/ports.ts';

/** What the peer service needs from the runtime of its agent. */
export interface PeerStores {
  readonly self: AgentIdentity;
  readonly store: ObjectStore;
  readonly mover: DataMover;
}

/** A version of the caller that this agent holds or knows how to get. */
export interface HeldVersion {
  readonly version: number;
  readonly handle: Handle;
  readonly kind: DatumKind;
  /** How to get it again; absent for what was made or sent here. */
  readonly provenance?: Provenance;
  /** The caller knows that it is here. */
  reported: boolean;
}

/** Data of one link: the caller's versions by its ids, each a datum of its own in the link's scope. */
export class PeerData {
  readonly #scope: Scope;
  readonly #stores: PeerStores;
  readonly #incarnation: string;
  readonly #held = new Map<number, HeldVersion>();
  readonly #free: Handle[] = [];
  #next = 0;

  constructor(scope: Scope, stores: PeerStores, incarnation: string) {
    this.#scope = scope;
    this.#stores = stores;
    this.#incarnation = incarnation;
  }

  get size(): number {
    return this.#held.size;
  }

  key(version: number): DataKey {
    return `${this.#incarnation}/${version}`;
  }

  get(version: number): HeldVersion | undefined {
    return this.#held.get(version);
  }

  newHandle(): Handle {
    return this.#free.pop() ?? (this.#next++ as Handle);
  }

  /** The datum is gone; its handle names another one later. */
  letGo(handle: Handle): void {
    this.#scope.release([handle]);
    this.#free.push(handle);
  }

  hold(version: number, handle: Handle, kind: DatumKind, reported: boolean, provenance?: Provenance): HeldVersion {
    const held = { version, handle, kind, reported, ...(provenance === undefined ? {} : { provenance }) };
    this.#held.set(version, held);
    return held;
  }

  /** The handle goes on under another name. */
  rename(version: number): void {
    this.#held.delete(version);
  }

  evict(version: number): void {
    const held = this.#held.get(version);
    if (held === undefined) return;
    this.#held.delete(version);
    this.letGo(held.handle);
  }

  declareInline(bytes: Uint8Array, version?: number): Handle {
    const handle = this.newHandle();
    const key = version === undefined ? {} : { key: this.key(version) };
    this.#scope.declare(handle, 'value', { from: 'inline', bytes: copyOf(bytes), ...key });
    return handle;
  }

  /** Without the file's name: two versions of one file are two data here, and a name would make them one. */
  declareFrom(version: number, kind: DatumKind, provenance: Provenance): Handle {
    const handle = this.newHandle();
    this.#scope.declare(handle, kind, sourcesContent(provenance, this.key(version)));
    return handle;
  }

  /**
   * A datum of its own with the content of a held version, for a task that updates it while the old one must survive.
   * Undefined: the content is nowhere to be had any more.
   */
  clone(held: HeldVersion): Handle | undefined {
    const { store, mover } = this.#stores;
    const local = mover.resolve(this.key(held.version));
    if (local !== undefined && store.has(local)) {
      const handle = this.newHandle();
      this.#scope.declare(handle, held.kind, this.#copyContent(held, local));
      return handle;
    }
    if (held.provenance === undefined) return undefined;
    return this.declareFrom(held.version, held.kind, held.provenance);
  }

  /** Small values are copied here, others pulled over this agent's own data port. */
  #copyContent(held: HeldVersion, local: Parameters<ObjectStore['has']>[0]): DatumContent {
    const { store, mover, self } = this.#stores;
    const bytes = store.size(local);
    const value = held.kind === 'value' && bytes <= INLINE_BYTES ? store.acquire(local) : undefined;
    if (value?.in === 'memory' || value?.in === 'slab') {
      const view = value.in === 'memory' ? value.bytes : new Uint8Array(value.slab, value.offset, value.length);
      const content: DatumContent = { from: 'inline', bytes: copyOf(view) };
      store.release(local);
      return content;
    }
    if (value !== undefined) store.release(local);
    const key = this.key(held.version);
    const { name, host, dataPort } = self;
    const source: DataSource = { node: name, host, port: dataPort, key, ticket: mover.ticket(name, [key]) };
    return { from: 'sources', sources: [source], bytes, key: `${key}+` };
  }

  /** Everything of the link. */
  clear(): void {
    this.#scope.release([...this.#held.values()].map((held) => held.handle));
    this.#held.clear();
  }
}

function sourcesContent(provenance: Provenance, key: DataKey): DatumContent {
  if (!Number.isSafeInteger(provenance.bytes) || provenance.bytes < 0) throw invalidFrame(`size ${provenance.bytes}`);
  const sources = provenance.sources.map(({ node, host, port, key: name, ticket, path }) => ({
    node,
    host,
    port,
    key: name,
    ticket,
    ...(path === '' ? {} : { path }),
  }));
  return { from: 'sources', sources, bytes: provenance.bytes, key };
}
