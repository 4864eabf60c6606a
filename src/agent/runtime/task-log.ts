import { closeSync, openSync, readFileSync, writevSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';

/** A value in the log itself, or a file beside it. */
export type LoggedOutput =
  | { readonly in: 'log'; readonly bytes: Uint8Array }
  | { readonly in: 'file'; readonly name: string; readonly kind: 'value' | 'file' | 'directory' };

/** A task that has completed, under the key of its parent. */
export interface LoggedTask {
  readonly key: string;
  readonly seq: number;
  readonly digest: number;
  readonly outputs: readonly LoggedOutput[];
}

/** Of a frame: length and CRC-32 of what follows, little endian. */
const HEADER_BYTES = 8;

/**
 * Completed tasks of one application, appended. What was written when the process died is there; a torn frame at the
 * end is not read. It survives the process, not the loss of power: nothing waits for the disk.
 */
export class TaskLog implements Disposable {
  readonly #file: number;
  #pending: Uint8Array[] = [];

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600);
  }

  /** Written with all that is added in the same turn of the event loop. */
  add(task: LoggedTask): void {
    if (this.#pending.length === 0) queueMicrotask(() => this.flush());
    const body = serialize(task);
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32LE(body.byteLength, 0);
    header.writeUInt32LE(crc32(body), 4);
    this.#pending.push(header, body);
  }

  flush(): void {
    const frames = this.#pending;
    this.#pending = [];
    // More than IOV_MAX buffers in one call would be refused.
    for (let start = 0; start < frames.length; start += 1024) writeAll(this.#file, frames.slice(start, start + 1024));
  }

  [Symbol.dispose](): void {
    this.flush();
    closeSync(this.#file);
  }
}

/** A full disk may take a part only; then the next call says why. */
function writeAll(file: number, buffers: readonly Uint8Array[]): void {
  let rest = [...buffers];
  while (rest.length > 0) {
    let written = writevSync(file, rest);
    while (rest.length > 0 && written >= rest[0]!.byteLength) written -= rest.shift()!.byteLength;
    if (written > 0) rest = [rest[0]!.subarray(written), ...rest.slice(1)];
  }
}

/** Every whole task, in order. */
export function readTaskLog(path: string): LoggedTask[] {
  const bytes = readFileSync(path);
  const tasks: LoggedTask[] = [];
  for (let offset = 0; offset + HEADER_BYTES <= bytes.byteLength; ) {
    const start = offset + HEADER_BYTES;
    const end = start + bytes.readUInt32LE(offset);
    const body = bytes.subarray(start, end);
    if (end > bytes.byteLength || crc32(body) !== bytes.readUInt32LE(offset + 4)) break;
    tasks.push(deserialize(body) as LoggedTask);
    offset = end;
  }
  return tasks;
}
