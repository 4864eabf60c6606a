import { chmod, type FileHandle, mkdir, open, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RuntimeError } from '../../common/errors.ts';
import type { VersionId } from '../model/ids.ts';
import type { DataSink } from './data-sink.ts';
import { decodeManifest, type ManifestEntry } from './manifest.ts';
import type { SlabStore } from './object-store.ts';

/** What is made at `path` from a stream of bytes. */
interface Target {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface FileSinkOptions {
  readonly store: SlabStore;
  readonly version: VersionId;
  /** Does not exist yet. */
  readonly path: string;
  readonly size: number;
  /** More than 0: a directory. */
  readonly manifestBytes: number;
  readonly isDirectory: boolean;
  /** Files: permission bits. */
  readonly mode: number;
}

/** A file or directory: chunks are written in order, one while the next comes in. */
export class FileSink implements DataSink {
  readonly size: number;
  readonly #options: FileSinkOptions;
  readonly #target: Target;
  #buffers: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];
  /** Ends when everything so far is on the disk. */
  #writing: Promise<void> = Promise.resolve();
  #discarded = false;

  constructor(options: FileSinkOptions) {
    this.size = options.size;
    this.#options = options;
    this.#target = options.isDirectory
      ? new DirectoryTarget(options.path, options.manifestBytes, options.size)
      : new FileTarget(options.path, options.mode);
  }

  prepare(): undefined {
    return undefined;
  }

  buffer(_offset: number, length: number): Uint8Array {
    if (this.#buffers[0].length < length) this.#buffers[0] = new Uint8Array(length);
    return this.#buffers[0].subarray(0, length);
  }

  keep(_offset: number, length: number): Promise<void> {
    const bytes = this.#buffers[0].subarray(0, length);
    const before = this.#writing;
    this.#writing = before.then(() => this.#target.write(bytes)).catch((cause: unknown) => this.#fail(cause));
    this.#writing.catch(() => undefined); // seen by the next one to wait
    this.#buffers = [this.#buffers[1], this.#buffers[0]];
    return before;
  }

  finish(): Promise<void> {
    const { store, version, path, size, manifestBytes } = this.#options;
    this.#writing = this.#writing
      .then(() => this.#target.close())
      .catch((cause: unknown) => this.#fail(cause))
      .then(() => {
        if (!this.#discarded) store.putFile(version, path, size - manifestBytes, true);
      });
    return this.#writing;
  }

  async discard(): Promise<void> {
    this.#discarded = true;
    await this.#writing.catch(() => undefined);
    await this.#target.close().catch(() => undefined);
    await rm(this.#options.path, { recursive: true, force: true }).catch(() => undefined);
  }

  #fail(cause: unknown): never {
    if (cause instanceof RuntimeError) throw cause;
    const { path, size } = this.#options;
    throw new RuntimeError('ERR_DISK_FAILED', { path, bytes: size, reason: String(cause) }, { cause });
  }
}

class FileTarget implements Target {
  readonly #path: string;
  readonly #mode: number;
  #handle: FileHandle | undefined;

  constructor(path: string, mode: number) {
    this.#path = path;
    this.#mode = mode;
  }

  /** Exclusive: never through something that is there already. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#handle ??= await open(this.#path, 'wx', 0o600);
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at);
      at += bytesWritten;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    if (this.#mode !== 0o600) await handle?.chmod(this.#mode);
    await handle?.close();
  }
}

class DirectoryTarget implements Target {
  readonly #root: string;
  readonly #contentBytes: number;
  readonly #manifest: Uint8Array;
  #manifestFilled = 0;
  #entries: readonly ManifestEntry[] = [];
  /** Of `#entries`: the file being filled, and how far. */
  #at = 0;
  #filled = 0;
  #file: FileTarget | undefined;

  constructor(root: string, manifestBytes: number, size: number) {
    this.#root = root;
    this.#manifest = new Uint8Array(manifestBytes);
    this.#contentBytes = size - manifestBytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const head = bytes.subarray(0, this.#manifest.length - this.#manifestFilled);
    this.#manifest.set(head, this.#manifestFilled);
    this.#manifestFilled += head.length;
    if (this.#manifestFilled < this.#manifest.length) return;
    if (head.length > 0) await this.#begin();
    let left = bytes.subarray(head.length);
    while (left.length > 0) {
      const part = left.subarray(0, (this.#entries[this.#at]?.size ?? 0) - this.#filled);
      await this.#file?.write(part);
      this.#filled += part.length;
      left = left.subarray(part.length);
      await this.#nextFile();
    }
  }

  /** Links come last, so that nothing is ever written through one; modes of directories, deepest first. */
  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    for (const { type, path, target } of this.#entries)
      if (type === 'link' && target !== undefined) await symlink(target, join(this.#root, path));
    for (const { type, path, mode } of this.#entries.toReversed())
      if (type === 'directory') await chmod(join(this.#root, path), mode);
    this.#entries = [];
  }

  async #begin(): Promise<void> {
    this.#entries = decodeManifest(this.#manifest, this.#contentBytes);
    await mkdir(dirname(this.#root), { recursive: true });
    await mkdir(this.#root, { mode: 0o700 });
    for (const { type, path } of this.#entries)
      if (type === 'directory') await mkdir(join(this.#root, path), { mode: 0o700 });
    this.#at = -1;
    await this.#nextFile();
  }

  /** Goes on when the file is full; empty files are made on the way. */
  async #nextFile(): Promise<void> {
    while (this.#at < 0 || this.#filled >= (this.#entries[this.#at]?.size ?? Number.POSITIVE_INFINITY)) {
      await this.#file?.close();
      this.#file = undefined;
      this.#at += 1;
      this.#filled = 0;
      const entry = this.#entries[this.#at];
      if (entry?.type !== 'file') continue;
      this.#file = new FileTarget(join(this.#root, entry.path), entry.mode);
      await this.#file.write(new Uint8Array(0));
    }
  }
}
