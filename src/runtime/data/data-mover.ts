import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { RuntimeError, toErrorInfo } from '../../common/errors.ts';
import { type Logger, silentLogger } from '../../common/logger.ts';
import type { DatumKind } from '../model/access.ts';
import { generationOf, indexOf, type VersionId } from '../model/ids.ts';
import type { DataKey, DataMover, DataSource, PullDone } from '../ports.ts';
import { ByteBudget } from './byte-budget.ts';
import { parseDataKey } from './data-key.ts';
import { DataServer, type DataServerStats } from './data-server.ts';
import { type DataTransport, plainTransport } from './data-transport.ts';
import { HolderPool } from './holder-pool.ts';
import type { SlabStore } from './object-store.ts';
import { createProcessFolder, type ProcessFolder } from './process-folder.ts';
import { Pull, type PullContext, type PullStats } from './pull.ts';
import { signTicket, TICKET_TTL_MS, TicketOffice } from './ticket.ts';

export interface DataMoverOptions {
  readonly store: SlabStore;
  /** Node name: what tickets for this node name as reader. */
  readonly name: string;
  /** What this agent's own keys and tickets begin with. */
  readonly incarnation: string;
  /** Address to listen on; default loopback. */
  readonly host?: string;
  /** Default 0: any. */
  readonly port?: number;
  /** Link keys are made from it; default: new for this process. */
  readonly secret?: Uint8Array;
  /** Where pulled files and directories go, in a folder of this process. */
  readonly filesDirectory: string;
  /** Files in there may be taken by their path, without the data port; default none. */
  readonly sharedDirectories?: readonly string[];
  readonly transport?: DataTransport;
  readonly limits?: Partial<DataMoverLimits>;
  readonly log?: Logger;
}

export interface DataMoverLimits {
  /** Pulls under way at once; more wait. */
  readonly maxPulls: number;
  /** Bytes of values that pulls may have reserved at once; a larger one is pulled alone. */
  readonly maxBytesUnderWay: number;
  /** Connections to holders: in all and to one. */
  readonly maxConnectionsOut: number;
  readonly maxConnectionsPerHolder: number;
  /** Connections of readers. */
  readonly maxConnectionsIn: number;
  readonly maxAnswersPerReader: number;
  readonly maxBufferBytes: number;
  readonly connectMs: number;
  readonly helloMs: number;
  readonly stallMs: number;
  readonly idleMs: number;
  /** How long a pull waits for room in the store before it fails with ERR_STORE_FULL. */
  readonly roomWaitMs: number;
}

const MIB = 2 ** 20;

export const DATA_MOVER_LIMITS: DataMoverLimits = {
  maxPulls: 32,
  maxBytesUnderWay: 512 * MIB,
  maxConnectionsOut: 64,
  maxConnectionsPerHolder: 4,
  maxConnectionsIn: 256,
  maxAnswersPerReader: 16,
  maxBufferBytes: 64 * MIB,
  connectMs: 5_000,
  helloMs: 10_000,
  stallMs: 30_000,
  idleMs: 60_000,
  roomWaitMs: 20_000,
};

export interface DataMoverStats extends PullStats, DataServerStats {
  readonly connectionsIn: number;
  readonly connectionsOut: number;
  readonly pullsUnderWay: number;
}

/** The data plane of one process: its data port, and its pulls from the data ports of others. */
export interface NodeDataMover extends DataMover {
  /** Tickets signed by this peer are worth nothing from now on (it was removed, or its link key got out). */
  revoke(issuer: string): void;
  stats(): DataMoverStats;
}

/** Opens the data port. Rejects with ERR_DATA_PORT. */
export async function createDataMover(options: DataMoverOptions): Promise<NodeDataMover> {
  const folder = createProcessFolder(options.filesDirectory, options.log ?? silentLogger);
  const mover = new Mover(options, folder);
  try {
    await mover.listen();
  } catch (error) {
    await mover[Symbol.asyncDispose]();
    throw error;
  }
  return mover;
}

class Mover implements NodeDataMover {
  readonly #options: DataMoverOptions;
  readonly #limits: DataMoverLimits;
  readonly #folder: ProcessFolder;
  readonly #office: TicketOffice;
  readonly #server: DataServer;
  readonly #pool: HolderPool;
  readonly #context: PullContext;
  readonly #stats: PullStats = { bytesIn: 0, pulls: 0, failures: 0, corrupt: 0, resumed: 0, shared: 0 };
  /** Foreign names of versions, both ways. */
  readonly #aliases = new Map<DataKey, VersionId>();
  readonly #aliasesOf = new Map<VersionId, DataKey[]>();
  /** Under way or waiting, in order of request. */
  readonly #pulls = new Map<VersionId, Pull>();
  readonly #queue = new Set<Pull>();
  readonly #hosts: ReadonlySet<string>;
  readonly #cancelled = new Set<Promise<void>>();
  #provide: Parameters<NonNullable<DataMover['onMissing']>>[0] | undefined;
  #paths = 0;
  #port = 0;
  #closed = false;

  constructor(options: DataMoverOptions, folder: ProcessFolder) {
    const { store, host = '127.0.0.1', port = 0, transport = plainTransport, log = silentLogger } = options;
    const limits = { ...DATA_MOVER_LIMITS, ...options.limits };
    this.#options = options;
    this.#limits = limits;
    this.#folder = folder;
    this.#office = new TicketOffice(options.secret ?? randomBytes(32));
    this.#hosts = ownHosts(host);
    this.#server = new DataServer({
      host,
      port,
      store,
      office: this.#office,
      resolve: (key) => this.resolve(key),
      bring: (version, reader) => this.#bring(version, reader),
      transport,
      limits: { ...limits, maxConnections: limits.maxConnectionsIn, idleMs: 2 * limits.idleMs },
      log,
    });
    this.#pool = new HolderPool({ ...limits, transport, maxConnections: limits.maxConnectionsOut });
    this.#context = {
      reader: options.name,
      store,
      pool: this.#pool,
      budget: new ByteBudget(limits.maxBytesUnderWay),
      newPath: (version) => this.#newPath(version),
      sharedDirectories: options.sharedDirectories ?? [],
      roomWaitMs: limits.roomWaitMs,
      log,
      stats: this.#stats,
    };
    store.onFree((version) => this.#forget(version));
  }

  get port(): number {
    return this.#port;
  }

  async listen(): Promise<void> {
    this.#port = await this.#server.listen();
  }

  alias(key: DataKey, version: VersionId): void {
    const known = this.#aliases.get(key);
    if (known === version) return;
    this.#aliases.set(key, version);
    const keys = this.#aliasesOf.get(version);
    if (keys === undefined) this.#aliasesOf.set(version, [key]);
    else keys.push(key);
  }

  resolve(key: DataKey): VersionId | undefined {
    const alias = this.#aliases.get(key);
    if (alias !== undefined) return alias;
    const own = parseDataKey(key);
    return own?.incarnation === this.#options.incarnation ? own.version : undefined;
  }

  pull(version: VersionId, kind: DatumKind, sources: readonly DataSource[], done: PullDone): void {
    if (this.#options.store.has(version)) {
      const bytes = this.#options.store.size(version);
      queueMicrotask(() => done({ bytes }));
      return;
    }
    if (this.#closed) {
      const error = cancelled(version, 'the data port is closed');
      queueMicrotask(() => done({ error }));
      return;
    }
    const under = this.#pulls.get(version);
    if (under !== undefined) {
      under.addSources(sources);
      under.waiters.push(done);
      return;
    }
    const pull = new Pull(this.#context, version, kind, this.#nearestFirst(sources), (ended, result) => {
      this.#pulls.delete(ended.version);
      queueMicrotask(() => {
        for (const waiter of ended.waiters) waiter(result);
      });
      this.#startNext();
    });
    pull.waiters.push(done);
    this.#pulls.set(version, pull);
    this.#queue.add(pull);
    this.#startNext();
  }

  onMissing(provide: Parameters<NonNullable<DataMover['onMissing']>>[0]): void {
    this.#provide = provide;
  }

  cancelPull(version: VersionId): void {
    this.#cancel(version, 'nobody needs it any more');
    this.#startNext();
  }

  ticket(reader: string, keys: readonly DataKey[]): string {
    const { incarnation } = this.#options;
    const expiry = Date.now() + TICKET_TTL_MS;
    return signTicket(this.#office.linkKey(incarnation), { issuer: incarnation, reader, keys, expiry });
  }

  linkKey(issuer: string): string {
    return this.#office.linkKey(issuer);
  }

  revoke(issuer: string): void {
    this.#office.revoke(issuer);
  }

  stats(): DataMoverStats {
    return {
      ...this.#stats,
      ...this.#server.stats,
      connectionsIn: this.#server.openConnections,
      connectionsOut: this.#pool.openConnections,
      pullsUnderWay: this.#pulls.size - this.#queue.size,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const version of this.#pulls.keys()) this.#cancel(version, 'the data port is closed');
    await Promise.all(this.#cancelled);
    await this.#pool[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }

  #bring(version: VersionId, reader: string): Promise<boolean> {
    const provide = this.#provide;
    if (provide === undefined) return Promise.resolve(false);
    return new Promise((resolve) => provide(version, reader, (result) => resolve('bytes' in result)));
  }

  #startNext(): void {
    for (const pull of this.#queue) {
      if (this.#pulls.size - this.#queue.size >= this.#limits.maxPulls) return;
      this.#queue.delete(pull);
      pull.start();
    }
  }

  #cancel(version: VersionId, reason: string): void {
    const pull = this.#pulls.get(version);
    if (pull === undefined) return;
    this.#pulls.delete(version);
    this.#queue.delete(pull);
    const ended = pull.cancel().finally(() => this.#cancelled.delete(ended));
    this.#cancelled.add(ended);
    const error = cancelled(version, reason);
    queueMicrotask(() => {
      for (const waiter of pull.waiters) waiter({ error });
    });
  }

  /** Paths first, then this host, then the order they came in. */
  #nearestFirst(sources: readonly DataSource[]): readonly DataSource[] {
    const rank = (source: DataSource): number =>
      source.path !== undefined ? 0 : this.#hosts.has(source.host.toLowerCase()) ? 1 : 2;
    return sources.toSorted((a, b) => rank(a) - rank(b));
  }

  #newPath(version: VersionId): string {
    this.#paths += 1;
    return join(this.#folder.path, `d${indexOf(version)}g${generationOf(version)}-${this.#paths}`);
  }

  #forget(version: VersionId): void {
    const keys = this.#aliasesOf.get(version);
    if (keys === undefined) return;
    this.#aliasesOf.delete(version);
    for (const key of keys) if (this.#aliases.get(key) === version) this.#aliases.delete(key);
  }
}

const cancelled = (version: VersionId, reason: string) =>
  toErrorInfo(new RuntimeError('ERR_TRANSFER_CANCELLED', { version, reason }));

function ownHosts(host: string): ReadonlySet<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  return new Set(['localhost', '127.0.0.1', '::1', host.toLowerCase(), ...addresses]);
}
