import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Handle } from '../../runtime/model/ids.ts';
import {
  type DatumContent,
  INLINE_BYTES,
  type ObjectStore,
  type OfferedTask,
  type Scope,
} from '../../runtime/ports.ts';
import type { Resumable } from './application-journal.ts';
import type { LoggedOutput, LoggedTask } from './task-log.ts';

/** Gives what an application completed in an earlier life back to the runtime: as data of its scope, and as offers. */
export class ReplayOffers {
  readonly #earlier: Resumable;
  readonly #store: ObjectStore;
  #nextHandle: number;

  /** Handles from `firstHandle` on are free in the scope of the application. */
  constructor(earlier: Resumable, firstHandle: number, store: ObjectStore) {
    this.#earlier = earlier;
    this.#nextHandle = firstHandle;
    this.#store = store;
  }

  make(scope: Scope): void {
    for (const [key, tasks] of this.#earlier.completed) {
      const offered = [...tasks.values()].flatMap((task) => this.#offer(scope, task) ?? []);
      scope.offer?.(key, offered);
    }
  }

  /** Undefined when a file of it is gone or the store has no room: it runs again. */
  #offer(scope: Scope, { seq, digest, outputs }: LoggedTask): OfferedTask | undefined {
    const contents: DatumContent[] = [];
    try {
      for (const output of outputs) contents.push(this.#contentOf(output));
    } catch {
      for (const content of contents) if (content.from === 'reservation') this.#store.discard(content.reservation);
      return undefined;
    }
    const handles = contents.map((content, position) => {
      const handle = this.#nextHandle++ as Handle;
      const output = outputs[position]!;
      scope.declare(handle, output.in === 'log' ? 'value' : output.kind, content);
      return handle;
    });
    return { seq, digest, outputs: handles };
  }

  #contentOf(output: LoggedOutput): DatumContent {
    if (output.in === 'log') return { from: 'inline', bytes: output.bytes };
    const path = join(this.#earlier.folder, output.name);
    if (output.kind !== 'value') return { from: 'path', path, length: statSync(path).size };
    const bytes = readFileSync(path);
    if (bytes.byteLength <= INLINE_BYTES) return { from: 'inline', bytes };
    const reservation = this.#store.reserve(bytes.byteLength);
    new Uint8Array(reservation.slab, reservation.offset, bytes.byteLength).set(bytes);
    return { from: 'reservation', reservation, length: bytes.byteLength };
  }
}
