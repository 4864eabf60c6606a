import type { KeyObject } from 'node:crypto';
import { link, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type ErrorInfo, RuntimeError, toErrorInfo } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { DatumKind } from '../model/access.ts';
import type { VersionId } from '../model/ids.ts';
import type { DataSource, PullDone } from '../ports.ts';
import type { AnswerHandler, ContentAnswer } from './answer-reader.ts';
import type { BudgetClaim, ByteBudget } from './byte-budget.ts';
import { type DataSink, MemorySink } from './data-sink.ts';
import { FileSink } from './file-sink.ts';
import type { HolderConnection } from './holder-connection.ts';
import type { HolderPool, Lessee } from './holder-pool.ts';
import type { SlabStore } from './object-store.ts';
import { proofOf, sealKeyOf, splitTicket } from './ticket.ts';
import { encodeRequest, type RefusalText } from './wire.ts';

/** What pulls share. */
export interface PullContext {
  readonly reader: string;
  readonly store: SlabStore;
  readonly pool: HolderPool;
  readonly budget: ByteBudget;
  /** A path of its own for a pulled file. */
  readonly newPath: (version: VersionId) => string;
  /** Directories that files may be taken from without the data port. */
  readonly sharedDirectories: readonly string[];
  readonly roomWaitMs: number;
  readonly log: Logger;
  readonly stats: PullStats;
}

/** Counters, all rising. */
export interface PullStats {
  bytesIn: number;
  pulls: number;
  failures: number;
  /** Chunks that did not match their checksum. */
  corrupt: number;
  /** Transfers that went on after a broken connection. */
  resumed: number;
  /** Files taken by their path. */
  shared: number;
}

interface Candidate {
  readonly source: DataSource;
  /** Attempts that brought nothing. */
  failures: number;
  busy: number;
}

/** Attempts in a row without a good byte before a source is given up. */
const MAX_FAILURES = 2;
const BUSY_WAIT_MS = 20;
const MAX_BUSY = 40;

/** Brings one version here, from one source after the other. Ends once, in `ended`. */
export class Pull implements Lessee, AnswerHandler {
  readonly version: VersionId;
  readonly waiters: PullDone[] = [];
  readonly #context: PullContext;
  readonly #kind: DatumKind;
  readonly #candidates: Candidate[];
  readonly #ended: (pull: Pull, result: Parameters<PullDone>[0]) => void;
  #sink: DataSink | undefined;
  /** Pending while the sink waits for its room; a connection that breaks meanwhile does not end it. */
  #preparing: Promise<void> | undefined;
  #claim: BudgetClaim | undefined;
  /** Bytes from the front that are good. */
  #good = 0;
  #goodAtStart = 0;
  #connection: HolderConnection | undefined;
  #sealKey: KeyObject | undefined;
  #lastError: ErrorInfo | undefined;
  /** Set when this side is at fault: no other source can help. */
  #fatal = false;
  #over = false;
  #timer: NodeJS.Timeout | undefined;
  #cleanup: Promise<void> = Promise.resolve();

  constructor(
    context: PullContext,
    version: VersionId,
    kind: DatumKind,
    sources: readonly DataSource[],
    ended: (pull: Pull, result: Parameters<PullDone>[0]) => void,
  ) {
    this.#context = context;
    this.version = version;
    this.#kind = kind;
    this.#candidates = sources.map((source) => ({ source, failures: 0, busy: 0 }));
    this.#ended = ended;
  }

  get host(): string {
    return this.#source.host;
  }

  get port(): number {
    return this.#source.port;
  }

  get sealKey(): KeyObject {
    return this.#sealKey as KeyObject;
  }

  get #source(): DataSource {
    return (this.#candidates[0] as Candidate).source;
  }

  /** More places to look, if those known do not work. */
  addSources(sources: readonly DataSource[]): void {
    for (const source of sources) {
      const known = this.#candidates.some(({ source: { key, host, port } }) =>
        [key === source.key, host === source.host, port === source.port].every(Boolean),
      );
      if (!known) this.#candidates.push({ source, failures: 0, busy: 0 });
    }
  }

  start(): void {
    if (this.#over) return;
    const candidate = this.#candidates[0];
    if (candidate === undefined) {
      this.#fail();
    } else if (candidate.source.path !== undefined && this.#kind !== 'value' && candidate.failures === 0) {
      void this.#takePath(candidate.source.path);
    } else {
      this.#goodAtStart = this.#good;
      this.#context.pool.lease(this);
    }
  }

  /** Nobody is told. Resolves when nothing is held any more. */
  cancel(): Promise<void> {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#context.pool.cancel(this);
    this.#dropSink();
    return this.#cleanup;
  }

  // --- connection

  leased(connection: HolderConnection): void {
    const { key, ticket, node } = this.#source;
    const parts = splitTicket(ticket);
    if (parts === undefined) {
      this.#context.pool.release(connection);
      this.#nextSource('ERR_TICKET_REFUSED', `there is no ticket for ${node}`);
      return;
    }
    if (this.#good > 0) this.#context.stats.resumed += 1;
    this.#connection = connection;
    const { reader } = this.#context;
    const shown = { request: connection.nextRequest(), reader, key, offset: this.#good };
    this.#sealKey = sealKeyOf(parts.signature, connection.nonce, shown.request);
    const proof = proofOf(parts.signature, connection.nonce, shown);
    connection.send(encodeRequest({ ...shown, ticket: parts.text, proof }), this);
  }

  lost(reason: Error): void {
    this.#connection = undefined;
    if (this.#over) return;
    if (reason instanceof RuntimeError && LOCAL_FAULTS.has(reason.code)) this.#fatal = true;
    const { node, host, port } = this.#source;
    this.#lastError = transferError(this.version, `${node} (${host}:${port}): ${reason.message}`, reason);
    this.#retry();
  }

  // --- answer

  begin(answer: ContentAnswer): Promise<void> | undefined {
    const { kind, size, offset } = answer;
    if (kind !== this.#kind) throw new Error(`a ${kind} came where a ${this.#kind} was due`);
    if (this.#sink !== undefined && this.#sink.size !== size) {
      this.#dropSink();
      throw new Error(`the holders disagree on the size: ${size} bytes`);
    }
    if (offset !== this.#good) throw new Error(`bytes from ${offset} came where ${this.#good} was due`);
    if (this.#sink === undefined) this.#openSink(answer);
    return this.#preparing;
  }

  buffer(offset: number, length: number): Uint8Array {
    return this.#sink?.buffer(offset, length) ?? new Uint8Array(length);
  }

  good(offset: number, length: number): Promise<void> | undefined {
    this.#good = offset + length;
    this.#context.stats.bytesIn += length;
    return this.#sink?.keep(offset, length);
  }

  corrupt(offset: number): void {
    this.#context.stats.corrupt += 1;
    const { node } = this.#source;
    this.#context.log.warn({ version: this.version, node, offset }, 'corrupt bytes: trying another holder');
  }

  refused({ code, message, busy }: RefusalText): void {
    this.#releaseConnection();
    if (this.#over) return;
    const candidate = this.#candidates[0] as Candidate;
    if (busy && candidate.busy < MAX_BUSY) {
      candidate.busy += 1;
      this.#timer = setTimeout(() => this.start(), BUSY_WAIT_MS);
      return;
    }
    this.#nextSource(code, `${candidate.source.node}: ${message}`);
  }

  complete(): void {
    this.#releaseConnection();
    if (this.#over) return;
    const bytes = this.#sink?.size ?? 0;
    const finished = this.#sink?.finish();
    if (finished === undefined) {
      this.#succeed(bytes);
      return;
    }
    this.#cleanup = finished.then(
      () => {
        if (!this.#over) this.#succeed(bytes);
      },
      (error: unknown) => {
        this.#lastError = toErrorInfo(error);
        if (!this.#over) this.#fail();
      },
    );
  }

  // --- inside

  #openSink(answer: ContentAnswer): void {
    const sink = this.#newSink(answer);
    this.#sink = sink;
    const claim = this.#context.budget.claim(answer.kind === 'value' ? answer.size : 0);
    this.#claim = claim;
    const prepared = claim.ready?.then(() => (this.#over ? undefined : sink.prepare())) ?? sink.prepare();
    this.#preparing = prepared;
    prepared?.then(
      () => (this.#preparing = undefined),
      () => undefined, // the connection that waits for it, or the next one, ends with the reason
    );
  }

  #newSink({ kind, size, manifestBytes, mode }: ContentAnswer): DataSink {
    const { store, roomWaitMs, newPath } = this.#context;
    if (kind === 'value') return new MemorySink(store, this.version, size, roomWaitMs);
    const path = newPath(this.version);
    const isDirectory = kind === 'directory';
    return new FileSink({ store, version: this.version, path, size, manifestBytes, isDirectory, mode });
  }

  #dropSink(): void {
    const discarded = this.#sink?.discard();
    if (discarded !== undefined) this.#cleanup = Promise.all([this.#cleanup, discarded]).then(() => undefined);
    this.#sink = undefined;
    this.#preparing = undefined;
    this.#good = 0;
    this.#claim?.release();
  }

  #releaseConnection(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.#context.pool.release(connection);
  }

  /** A hard link, where it can be made, outlives the holder's own copy. */
  async #takePath(path: string): Promise<void> {
    const { store, stats, newPath } = this.#context;
    try {
      const real = await this.#allowed(path);
      const found = await stat(real);
      if (found.isDirectory() !== (this.#kind === 'directory')) throw new Error('it is of another kind');
      const own = newPath(this.version);
      const linked = await link(real, own).then(
        () => true,
        () => false,
      );
      if (this.#over) return;
      store.putFile(this.version, linked ? own : real, found.size, linked);
      stats.shared += 1;
      this.#succeed(found.size);
    } catch (error) {
      if (this.#over) return;
      (this.#candidates[0] as Candidate).failures += 1;
      this.#lastError = transferError(this.version, `${path}: ${String(error)}`, error);
      if (this.#source.ticket === '') this.#candidates.shift();
      this.start();
    }
  }

  async #allowed(path: string): Promise<string> {
    const real = await realpath(path);
    if (!this.#context.sharedDirectories.some((directory) => real.startsWith(join(directory, sep))))
      throw new Error('it is in no shared directory');
    return real;
  }

  #nextSource(code: string, reason: string): void {
    this.#lastError = transferError(this.version, reason, { code, message: reason });
    this.#candidates.shift();
    this.start();
  }

  /** The source stays first as long as it brings bytes; then the others are tried, and it once more after them. */
  #retry(): void {
    if (this.#fatal) {
      this.#fail();
      return;
    }
    const candidate = this.#candidates[0] as Candidate;
    if (this.#good > this.#goodAtStart) {
      candidate.failures = 0;
    } else {
      candidate.failures += 1;
      this.#candidates.shift();
      if (candidate.failures < MAX_FAILURES) this.#candidates.push(candidate);
    }
    this.start();
  }

  #succeed(bytes: number): void {
    this.#over = true;
    this.#sink = undefined;
    this.#claim?.release();
    this.#context.stats.pulls += 1;
    this.#ended(this, { bytes });
  }

  #fail(): void {
    this.#over = true;
    this.#dropSink();
    this.#context.stats.failures += 1;
    const error = this.#lastError ?? transferError(this.version, 'no source is known', undefined);
    this.#ended(this, { error });
  }
}

const LOCAL_FAULTS: ReadonlySet<string> = new Set(['ERR_STORE_FULL', 'ERR_DISK_FAILED']);

function transferError(version: VersionId, reason: string, cause: unknown): ErrorInfo {
  if (cause instanceof RuntimeError && LOCAL_FAULTS.has(cause.code)) return toErrorInfo(cause);
  return toErrorInfo(
    new RuntimeError('ERR_TRANSFER_FAILED', { version, reason }, cause === undefined ? undefined : { cause }),
  );
}
