/** Who did what, where from, and how it went: one line of JSON each. Never a token, a body or a value. */
import { createWriteStream, mkdirSync, openSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Role } from '../../contracts/agent/role.ts';
import type { CallerCertificate } from './caller.ts';

export interface AuditEntry {
  readonly port: 'rest' | 'link' | 'data';
  /** Common name of the certificate, or the first digits of the digest of the token. */
  readonly who: string;
  readonly role?: Role | undefined;
  readonly from: string;
  /** `PUT /COMPSs/startApplication`, `open a link`. */
  readonly action: string;
  /** `ok`, or an error code. */
  readonly outcome: string;
  readonly [detail: string]: string | number | undefined;
}

export interface AuditLog {
  record(entry: AuditEntry): void;
}

export interface AuditFileOptions {
  readonly path: string;
  readonly logger: Logger;
  readonly now?: () => number;
  /** The file is renamed to `.1` when it has grown beyond this, and the `.1` before it goes. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 64 * 2 ** 20;
/** Beyond this the disk is slower than the callers. */
const MAX_PENDING = 16 * 2 ** 20;
const FIELD_LENGTH = 500;

/** A connection that was closed before anything was read from it. */
export function auditRefused(audit: AuditLog, { port, certificate, from, refusal }: RefusedConnection): void {
  const { name = 'unknown', problem } = certificate ?? {};
  const outcome = refusal.code;
  audit.record({ port, who: name, from, action: 'connect', outcome, ...(problem === undefined ? {} : { problem }) });
}

export interface RefusedConnection {
  readonly port: AuditEntry['port'];
  readonly certificate: CallerCertificate | undefined;
  readonly from: string;
  readonly refusal: RuntimeError;
}

/** Without a file: what was refused is a warning in the agent's log, the rest is there when it logs at debug. */
export const auditInLog = (logger: Logger): AuditLog => ({
  record: (entry) => logger[entry.outcome === 'ok' ? 'debug' : 'warn']({ audit: entry }, 'audit'),
});

export class AuditFile implements AuditLog, AsyncDisposable {
  readonly #options: AuditFileOptions;
  readonly #now: () => number;
  readonly #maxBytes: number;
  #stream: WriteStream;
  #written: number;
  #dropped = 0;

  /** Throws ERR_CONFIG_INVALID: an agent that is to keep an audit log and cannot does not start. */
  constructor(options: AuditFileOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    try {
      mkdirSync(dirname(options.path), { recursive: true });
      this.#stream = this.#open();
      this.#written = statSync(options.path).size;
    } catch (error) {
      const reason = `${options.path}: ${error instanceof Error ? error.message : String(error)}`;
      throw new RuntimeError('ERR_CONFIG_INVALID', { key: 'auditLog', reason }, { cause: error });
    }
  }

  record(entry: AuditEntry): void {
    if (this.#stream.writableLength > MAX_PENDING) {
      this.#dropped += 1;
      return;
    }
    const missed = this.#dropped === 0 ? {} : { missed: this.#dropped };
    this.#dropped = 0;
    const fields = Object.entries({ ...entry, ...missed }).map(([key, value]) => [key, shortened(value)]);
    const line = `${JSON.stringify({ time: new Date(this.#now()).toISOString(), ...Object.fromEntries(fields) })}\n`;
    this.#stream.write(line);
    this.#written += Buffer.byteLength(line);
    if (this.#written > this.#maxBytes) this.#turn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.end(() => resolve()));
  }

  #open(): WriteStream {
    const stream = createWriteStream('', { fd: openSync(this.#options.path, 'a', 0o600) });
    stream.on('error', (error) => this.#options.logger.error({ error: error.message }, 'the audit log is not written'));
    return stream;
  }

  /** What is still to be written to the old file goes there: the name is only a name. */
  #turn(): void {
    this.#written = 0;
    try {
      renameSync(this.#options.path, `${this.#options.path}.1`);
      const before = this.#stream;
      this.#stream = this.#open();
      before.end();
    } catch (error) {
      this.#options.logger.error({ error: String(error) }, 'the audit log could not be turned over');
    }
  }
}

const shortened = (value: string | number | undefined): string | number | undefined =>
  typeof value === 'string' ? value.slice(0, FIELD_LENGTH) : value;
