import type { Handle } from '../model/ids.ts';
import { NONE } from '../model/ids.ts';
import { FileRef } from './file-ref.ts';
import { bringFile } from './file-transfer.ts';
import { Future } from './future.ts';

/** What waitOn must know of the program's data. */
export interface BringingSource {
  handleOfFuture(future: Future): Handle;
  trackedHandle(value: object): Handle | undefined;
  handleOfFile(file: FileRef): Handle;
}

/**
 * One `waitOn`: finds what must be waited for in a value, and puts what came in its place. Arrays, plain objects, Maps
 * and Sets are looked into; containers without futures inside stay the objects that they are.
 */
export class Bringing {
  readonly handles: Handle[] = [];
  readonly seqs: number[] = [];
  readonly #source: BringingSource;
  /** Values by the object that stands for them. */
  readonly #positions = new Map<object, number>();
  readonly #values: unknown[] = [];
  readonly #files: (FileRef | undefined)[] = [];
  readonly #seen = new Set<object>();

  constructor(source: BringingSource) {
    this.#source = source;
  }

  plan(value: unknown): this {
    this.#look(value);
    return this;
  }

  /** The content of `handles[position]` has come. */
  bring(position: number, value: unknown): void {
    const file = this.#files[position];
    if (file === undefined) this.#values[position] = value;
    else if (typeof value === 'string') bringFile(value, file.path, file.kind);
  }

  replace(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const position = this.#positions.get(value);
    if (position !== undefined) return value instanceof FileRef ? value.path : this.#values[position];
    if (value instanceof Future) return undefined;
    return this.#container(value);
  }

  #look(value: unknown): void {
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) return;
    this.#seen.add(value);
    if (value instanceof Future) {
      if (value.handle === NONE) this.seqs.push(value.seq);
      else this.#expect(value, this.#source.handleOfFuture(value));
      return;
    }
    if (value instanceof FileRef) {
      this.#expect(value, this.#source.handleOfFile(value), value);
      return;
    }
    const tracked = this.#source.trackedHandle(value);
    if (tracked !== undefined) this.#expect(value, tracked);
    else for (const part of partsOf(value)) this.#look(part);
  }

  #expect(place: object, handle: Handle, file?: FileRef): void {
    const known = this.handles.indexOf(handle);
    const position = known >= 0 ? known : this.handles.push(handle) - 1;
    if (known < 0) this.#files.push(file);
    this.#positions.set(place, position);
  }

  #container(value: object): unknown {
    if (Array.isArray(value))
      return keepIfSame(
        value,
        value.map((part) => this.replace(part)),
      );
    if (value instanceof Map) {
      return new Map([...value].map(([key, part]) => [this.replace(key), this.replace(part)] as const));
    }
    if (value instanceof Set) return new Set([...value].map((part) => this.replace(part)));
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    const record = value as Record<string, unknown>;
    const entries = Object.entries(record).map(([key, part]) => [key, this.replace(part)] as const);
    return entries.some(([key, part]) => part !== record[key]) ? Object.fromEntries(entries) : value;
  }
}

function keepIfSame(before: unknown[], after: unknown[]): unknown[] {
  return after.some((part, i) => part !== before[i]) ? after : before;
}

function partsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value) || value instanceof Set) return value;
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  return Object.getPrototypeOf(value) === Object.prototype ? Object.values(value) : [];
}
