/** The PEM files of the agent, read again when they change: certificates are renewed without a restart. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { RuntimeError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { TlsMaterial, TlsSource } from '../../common/tls.ts';

export interface TlsPaths {
  readonly ca?: string;
  readonly cert: string;
  readonly key: string;
}

export interface TlsFilesOptions {
  readonly paths: TlsPaths;
  readonly logger: Logger;
  readonly pollMs?: number;
}

/** File systems do not all tell of changes, and a mounted secret is replaced by links: so they are looked at. */
const POLL_MS = 1_000;

export class TlsFiles implements TlsSource, Disposable {
  readonly #options: TlsFilesOptions;
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  #material: TlsMaterial;
  /** What the files looked like when they were last read, good or not. */
  #seen: string;

  /** Throws ERR_CONFIG_INVALID when a file cannot be read or they do not fit together. */
  constructor(options: TlsFilesOptions) {
    this.#options = options;
    this.#seen = looks(options.paths);
    this.#material = readMaterial(options.paths);
    this.#timer = setInterval(() => this.#look(), options.pollMs ?? POLL_MS).unref();
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }

  /** Half-written files and a key without its certificate are waited out: the old material stays. */
  #look(): void {
    const now = looks(this.#options.paths);
    if (now === this.#seen) return;
    this.#seen = now;
    try {
      this.#material = readMaterial(this.#options.paths);
    } catch (error) {
      this.#options.logger.warn({ error: String(error) }, 'changed certificate files are not taken');
      return;
    }
    this.#options.logger.info({ certificate: this.#options.paths.cert }, 'certificate files were read again');
    for (const listener of this.#listeners) listener();
  }
}

function looks(paths: TlsPaths): string {
  return Object.values(paths as unknown as Record<string, string>)
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
    })
    .join('\n');
}

function readMaterial({ ca, cert, key }: TlsPaths): TlsMaterial {
  const material = {
    cert: readPem('tlsCert', cert),
    key: readPem('tlsKey', key),
    ...(ca === undefined ? {} : { ca: readPem('tlsCa', ca) }),
  };
  const fits = checked('tlsCert', cert, () => {
    createSecureContext(material);
    return new X509Certificate(material.cert).checkPrivateKey(createPrivateKey(material.key));
  });
  if (!fits) throw invalid('tlsKey', `${key} is not the key of ${cert}`);
  return material;
}

function checked<T>(key: string, path: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw invalid(key, `${path} and its key cannot be used: ${error instanceof Error ? error.message : ''}`, error);
  }
}

function readPem(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw invalid(key, `${path} cannot be read`, error);
  }
}

const invalid = (key: string, reason: string, cause?: unknown): RuntimeError =>
  new RuntimeError('ERR_CONFIG_INVALID', { key, reason }, { cause });
