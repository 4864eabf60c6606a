import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { VersionId } from '../../model/ids.ts';
import type { StoredValue } from '../../ports.ts';
import type { PythonContent, PythonOutput } from './records.ts';

/** A copy of a slab value in a file, for processes that cannot map the slab. */
interface Copy {
  readonly path: string;
  readonly length: number;
  users: number;
}

/** Copies that nobody uses are kept up to so many bytes: the next attempt often reads the same. */
const KEPT_BYTES = 256 * 2 ** 20;
/** One call may not write more than 2 GiB. */
const PIECE = 2 ** 30;

/**
 * Values in files that any number of processes map. What Python writes lies here once and is the store's own; what others
 * wrote into a slab is copied here at its first use, once for all readers.
 */
export class SharedFiles {
  readonly folder: string;
  /** On a disk: for what shared memory has no room for. Mapped from there all the same. */
  readonly overflow: string;
  readonly #copies = new Map<VersionId, Copy>();
  #next = 0;
  #idleBytes = 0;

  constructor(folder: string, overflow: string) {
    this.folder = folder;
    this.overflow = overflow;
    for (const path of [folder, overflow]) mkdirSync(path, { recursive: true, mode: 0o700 });
  }

  /** The content of a version that is pinned; a copy stays in use until `release`. */
  content(version: VersionId, value: StoredValue | undefined): PythonContent {
    if (value === undefined) return NONE;
    if (value.in === 'memory') return value;
    if (value.in === 'file') return { in: 'file', path: value.path, length: value.length };
    const copy = this.#copies.get(version) ?? this.#copy(version, value);
    if (copy.users === 0) this.#idleBytes -= copy.length;
    copy.users += 1;
    return { in: 'file', path: copy.path, length: copy.length };
  }

  /** A reader of `content` has ended. Versions without a copy are ignored. */
  release(version: VersionId): void {
    const copy = this.#copies.get(version);
    if (copy === undefined || copy.users === 0) return;
    copy.users -= 1;
    if (copy.users > 0) return;
    this.#idleBytes += copy.length;
    this.#copies.delete(version);
    this.#copies.set(version, copy);
    this.#trim();
  }

  /** A file that a worker has written and told of: it does not go with the worker any more. Gives its new path. */
  adopt(path: string): string {
    const kept = join(dirname(path), `v${this.#next++}`);
    renameSync(path, kept);
    return kept;
  }

  /** Outputs of an attempt that nobody wants. */
  discard(outputs: readonly PythonOutput[]): void {
    for (const output of outputs) if (output.as === 'file') rmSync(output.path, { recursive: true, force: true });
  }

  /** Removes what a worker wrote and had not told of when it ended. */
  sweep(worker: number): void {
    for (const folder of [this.folder, this.overflow])
      for (const name of readdirSync(folder))
        if (name.startsWith(`p${worker}-`)) rmSync(join(folder, name), { force: true });
  }

  #copy(version: VersionId, value: Extract<StoredValue, { readonly in: 'slab' }>): Copy {
    const path = join(this.folder, `c${this.#next++}`);
    const bytes = new Uint8Array(value.slab, value.offset, value.length);
    const file = openSync(path, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(PIECE, bytes.length - at));
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    const copy: Copy = { path, length: value.length, users: 0 };
    this.#idleBytes += copy.length;
    this.#copies.set(version, copy);
    return copy;
  }

  /** Drops unused copies, oldest first, while there are too many. */
  #trim(): void {
    if (this.#idleBytes <= KEPT_BYTES) return;
    for (const [version, copy] of this.#copies) {
      if (copy.users > 0) continue;
      this.#copies.delete(version);
      this.#idleBytes -= copy.length;
      rmSync(copy.path, { force: true });
      if (this.#idleBytes <= KEPT_BYTES) return;
    }
  }
}

const NONE: PythonContent = { in: 'none' };
