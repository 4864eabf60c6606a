import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { VersionId } from '../../model/ids.ts';
import type { ObjectStore, StoredValue } from '../../ports.ts';
import type { PythonContent } from './records.ts';

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
  readonly #store: ObjectStore;
  readonly #copies = new Map<VersionId, Copy>();
  #next = 0;
  #idleBytes = 0;

  constructor(folder: string, store: ObjectStore) {
    this.folder = folder;
    this.#store = store;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
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

  /** The file becomes the content of the version. */
  keep(version: VersionId, path: string, length: number): void {
    this.#store.putFile(version, path, length, true, true);
  }

  discard(path: string): void {
    rmSync(path, { force: true });
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
      this.discard(copy.path);
      if (this.#idleBytes <= KEPT_BYTES) return;
    }
  }
}

const NONE: PythonContent = { in: 'none' };
