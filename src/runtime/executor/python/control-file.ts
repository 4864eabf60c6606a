import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';

/**
 * A few words that a worker maps and this side reads and writes with system calls. The worker counts the attempts that it
 * has begun before it looks whether the next was taken back; this side marks it as taken back before it looks at the
 * count. So at most one of the two has it. It may be neither: then the worker says that it passed over an attempt that is
 * still given to it here, and that attempt is queued again.
 *
 * Layout: u64 begun; u64 index + 1 of the attempt to break off; u64 nodes of the pool; u64, not 0 while the worker holds
 * back what its code has submitted; from byte 64 on one byte for each place of a ring, set when the attempt there was taken
 * back.
 */
export const RING = 1024;
const BEGUN_AT = 0;
const BREAK_AT = 8;
const NODES_AT = 16;
const HOLDS_AT = 24;
const RING_AT = 64;

export class ControlFile {
  readonly path: string;
  readonly #file: number;
  readonly #word = new BigUint64Array(1);
  readonly #byte = new Uint8Array(1);
  #closed = false;

  constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, 'wx+', 0o600);
    ftruncateSync(this.#file, RING_AT + RING);
  }

  begun(): number {
    if (this.#closed) return 0;
    readSync(this.#file, this.#word, 0, 8, BEGUN_AT);
    return Number(this.#word[0]);
  }

  /** Submissions lie in the worker, which may go on with other things for long. */
  holdsBack(): boolean {
    if (this.#closed) return false;
    readSync(this.#file, this.#word, 0, 8, HOLDS_AT);
    return this.#word[0] !== 0n;
  }

  /** True when the attempt had not begun and will not. */
  takeBack(index: number): boolean {
    this.mark(index, true);
    if (this.begun() <= index) return true;
    this.mark(index, false);
    return false;
  }

  mark(index: number, takenBack: boolean): void {
    this.#byte[0] = takenBack ? 1 : 0;
    writeSync(this.#file, this.#byte, 0, 1, RING_AT + (index % RING));
  }

  /** For the signal that follows: only this attempt is broken off by it. */
  breakOff(index: number): void {
    this.#write(BREAK_AT, index + 1);
  }

  /** For code that asks how many nodes there are. */
  tellNodes(count: number): void {
    this.#write(NODES_AT, count);
  }

  #write(position: number, value: number): void {
    this.#word[0] = BigInt(value);
    writeSync(this.#file, this.#word, 0, 8, position);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file);
    rmSync(this.path, { force: true });
  }
}
