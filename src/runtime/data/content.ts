import { read } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RuntimeError } from '../../common/errors.ts';
import type { DatumKind } from '../model/access.ts';
import { encodeManifest, readManifest } from './manifest.ts';
import type { ReadableContent } from './object-store.ts';

/** A held version as bytes to send. */
export interface Content {
  readonly kind: DatumKind;
  readonly size: number;
  /** Files: permission bits. */
  readonly mode: number;
  readonly manifestBytes: number;
  /** The bytes, if they lie in memory. */
  readonly memory: Uint8Array | undefined;
  /** Fills `into` from `offset` on. Rejects with ERR_DATA_UNREADABLE. */
  read(offset: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** `name` is for messages. */
export function openContent(name: string, content: ReadableContent): Content | Promise<Content> {
  switch (content.in) {
    case 'memory':
      return memoryContent(content.bytes);
    case 'slab':
      return memoryContent(new Uint8Array(content.slab, content.offset, content.length));
    case 'spill':
      return new SegmentContent(name, 'value', [
        { length: content.length, fd: content.fd, position: content.position },
      ]);
    case 'file':
      if (content.encoded === true) {
        return new SegmentContent(name, 'value', [{ length: content.length, path: content.path }]);
      }
      return openPath(name, content.path);
  }
}

function memoryContent(memory: Uint8Array): Content {
  return {
    kind: 'value',
    size: memory.length,
    mode: 0,
    manifestBytes: 0,
    memory,
    read: (offset, into) => Promise.resolve(into.set(memory.subarray(offset, offset + into.length))),
    close: () => Promise.resolve(),
  };
}

async function openPath(name: string, path: string): Promise<Content> {
  try {
    const stats = await stat(path);
    if (!stats.isDirectory())
      return new SegmentContent(name, 'file', [{ length: stats.size, path }], stats.mode & 0o777);
    const entries = await readManifest(path);
    const manifest = encodeManifest(entries);
    const files = entries.filter(({ type }) => type === 'file');
    const segments = files.map((file) => ({ length: file.size, path: join(path, file.path) }));
    return new SegmentContent(name, 'directory', [{ length: manifest.length, bytes: manifest }, ...segments]);
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

type Segment =
  | { readonly length: number; readonly bytes: Uint8Array }
  | { readonly length: number; readonly fd: number; readonly position: number }
  | { readonly length: number; readonly path: string };

/** Bytes of several places in a row. Read from front to back; one file is open at a time. */
class SegmentContent implements Content {
  readonly kind: DatumKind;
  readonly size: number;
  readonly mode: number;
  readonly manifestBytes: number;
  readonly memory = undefined;
  readonly #name: string;
  readonly #segments: readonly Segment[];
  readonly #starts: readonly number[];
  #at = 0;
  #open: { readonly path: string; readonly handle: FileHandle } | undefined;

  constructor(name: string, kind: DatumKind, segments: readonly Segment[], mode = 0) {
    this.#name = name;
    this.mode = mode;
    this.kind = kind;
    this.#segments = segments;
    let start = 0;
    this.#starts = segments.map(({ length }) => {
      start += length;
      return start - length;
    });
    this.size = start;
    this.manifestBytes = kind === 'directory' ? (segments[0]?.length ?? 0) : 0;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < into.length; ) done += await this.#readSome(offset + done, into.subarray(done));
    } catch (cause) {
      throw unreadable(this.#name, cause);
    }
  }

  async close(): Promise<void> {
    await this.#open?.handle.close();
    this.#open = undefined;
  }

  /** From the one segment that holds `offset`. */
  async #readSome(offset: number, into: Uint8Array): Promise<number> {
    const { segment, start } = this.#seek(offset);
    const within = offset - start;
    const part = into.subarray(0, segment.length - within);
    if ('bytes' in segment) part.set(segment.bytes.subarray(within, within + part.length));
    else if ('fd' in segment) await readFully(segment.fd, segment.position + within, part);
    else await readFully((await this.#file(segment.path)).fd, within, part);
    return part.length;
  }

  #seek(offset: number): { readonly segment: Segment; readonly start: number } {
    if ((this.#starts[this.#at] ?? 0) > offset) this.#at = 0;
    for (; this.#at < this.#segments.length; this.#at += 1) {
      const segment = this.#segments[this.#at] as Segment;
      const start = this.#starts[this.#at] as number;
      if (offset < start + segment.length) return { segment, start };
    }
    throw new Error(`offset ${offset} is behind the end`);
  }

  async #file(path: string): Promise<FileHandle> {
    if (this.#open?.path === path) return this.#open.handle;
    await this.close();
    const handle = await open(path, 'r');
    this.#open = { path, handle };
    return handle;
  }
}

async function readFully(fd: number, position: number, into: Uint8Array): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const got = await readOnce(fd, position + done, into.subarray(done));
    if (got === 0) throw new Error('it is shorter than it was');
    done += got;
  }
}

function readOnce(fd: number, position: number, into: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, position, (error, got) => (error === null ? resolve(got) : reject(error)));
  });
}

const unreadable = (version: string, cause: unknown): RuntimeError =>
  cause instanceof RuntimeError && cause.code === 'ERR_DATA_UNREADABLE'
    ? cause
    : new RuntimeError('ERR_DATA_UNREADABLE', { version, reason: String(cause) }, { cause });
