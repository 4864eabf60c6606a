import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  readSync,
  statfsSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../common/logger.ts';
import { type Block, RegionAllocator } from './region-allocator.ts';

/** Where a value lies in the spill file. */
export type Extent = Block<true>;

/**
 * One file without a name, in which spilled values lie side by side: the system drops it with the process, however that
 * ends. Room of freed values is reused, and given back to the disk when it is at the end.
 */
export interface SpillFile extends AsyncDisposable {
  readonly usedBytes: number;
  /** Why the last write found no room; for messages. */
  readonly refusal: string | undefined;
  /** For streaming: reads are positional and need not go through here. */
  readonly fd: number;
  /** Undefined: no room on the disk, or it failed. */
  writeSync(bytes: Uint8Array): Extent | undefined;
  /** As `writeSync`, off the main thread. `bytes` may change under it when the result is not wanted any more. */
  write(bytes: Uint8Array, done: (extent: Extent | undefined) => void): void;
  /** Throws what the disk says. */
  readSync(extent: Extent, into: Uint8Array): void;
  free(extent: Extent): void;
}

/** After the disk said ENOSPC the file does not grow for so long, unless room was freed in it. */
const FULL_RETRY_MS = 1_000;
/** The end of the file is cut when at least so much of it is free. */
const TRUNCATE_STEP = 64 * 2 ** 20;
/** Share of the disk's free bytes at the start that the file may take by default. */
const DEFAULT_SHARE = 0.9;
/** A write is cut into such pieces: one call may not write more than 2 GiB. */
const PIECE = 2 ** 30;

export function openSpillFile(directory: string, limitBytes: number | undefined, log: Logger): SpillFile {
  const path = join(directory, 'spill');
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  unlinkSync(path);
  const disk = statfsSync(directory);
  return new ExtentFile(fd, limitBytes ?? Math.floor(disk.bavail * disk.bsize * DEFAULT_SHARE), log);
}

class ExtentFile implements SpillFile {
  readonly fd: number;
  refusal: string | undefined;
  readonly #extents: RegionAllocator<true>;
  readonly #limit: number;
  readonly #log: Logger;
  #size = 0;
  #fullSince: number | undefined;
  #writing = 0;
  #idle: (() => void) | undefined;
  #closed = false;

  constructor(fd: number, limit: number, log: Logger) {
    this.fd = fd;
    this.#limit = limit;
    this.#log = log;
    this.#extents = new RegionAllocator(limit);
  }

  get usedBytes(): number {
    return this.#extents.usedBytes;
  }

  writeSync(bytes: Uint8Array): Extent | undefined {
    const extent = this.#allocate(bytes.length);
    if (extent === undefined) return undefined;
    try {
      for (let at = 0; at < bytes.length; ) {
        const wrote = writeSync(this.fd, bytes, at, Math.min(PIECE, bytes.length - at), extent.start + at);
        at += wrote;
      }
      return this.#written(extent);
    } catch (error) {
      return this.#failed(extent, error as NodeJS.ErrnoException);
    }
  }

  write(bytes: Uint8Array, done: (extent: Extent | undefined) => void): void {
    const extent = this.#allocate(bytes.length);
    if (extent === undefined) {
      done(undefined);
      return;
    }
    this.#writing += 1;
    const finish = (error: NodeJS.ErrnoException | null): void => {
      this.#writing -= 1;
      if (this.#closed) this.#settleClose();
      else done(error === null ? this.#written(extent) : this.#failed(extent, error));
    };
    const step = (at: number): void => {
      write(this.fd, bytes, at, Math.min(PIECE, bytes.length - at), extent.start + at, (error, wrote) => {
        if (error !== null || at + wrote >= bytes.length || this.#closed) finish(error);
        else step(at + wrote);
      });
    };
    step(0);
  }

  readSync(extent: Extent, into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      const got = readSync(this.fd, into, at, Math.min(PIECE, into.length - at), extent.start + at);
      if (got === 0) throw new Error('the spill file is shorter than what was written to it');
      at += got;
    }
  }

  free(extent: Extent): void {
    this.#extents.release(extent);
    this.#fullSince = undefined;
    const tail = this.#extents.tail;
    if (this.#size - tail < TRUNCATE_STEP && (tail > 0 || this.#size === 0)) return;
    this.#size = tail;
    ftruncateSync(this.fd, tail);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#writing > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    closeSync(this.fd);
  }

  #settleClose(): void {
    if (this.#writing === 0) this.#idle?.();
  }

  #allocate(bytes: number): Extent | undefined {
    if (this.#fullSince !== undefined && performance.now() - this.#fullSince < FULL_RETRY_MS) {
      this.#extents.capacity = this.#extents.tail;
    } else {
      this.#fullSince = undefined;
      this.#extents.capacity = this.#limit;
    }
    const extent = this.#extents.allocate(bytes, true);
    if (extent === undefined && this.#fullSince === undefined) this.refusal = `limit of ${this.#limit} bytes reached`;
    return extent;
  }

  #written(extent: Extent): Extent {
    this.#size = Math.max(this.#size, extent.start + extent.length);
    return extent;
  }

  #failed(extent: Extent, error: NodeJS.ErrnoException): undefined {
    this.#written(extent);
    this.free(extent);
    this.refusal = error.code ?? error.message;
    this.#fullSince = performance.now();
    this.#log.warn({ error: error.message, usedBytes: this.usedBytes }, 'cannot write to the spill disk');
    return undefined;
  }
}
