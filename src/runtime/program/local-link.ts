import { readFileSync } from 'node:fs';
import type { DatumKind } from '../model/access.ts';
import type { CoreElement } from '../model/core-element.ts';
import type { CoreId, GroupId, Handle, VersionId, WaitId } from '../model/ids.ts';
import type { TaskSpec } from '../model/task.ts';
import type { CancelTarget, DatumContent, ObjectStore, Scope, StoredValue, WaitTarget } from '../ports.ts';
import type { Brought, Link, LinkContent, LinkWaitResult, ProgramReservation, TaskCall, TaskFields } from './link.ts';

/** Submissions that go on together while the calling code does not yield. */
const BATCH = 256;

/** The programming model in the agent's own process: a program that embeds an agent calls its Scope directly. */
export class LocalLink implements Link {
  readonly #scope: Scope;
  readonly #store: ObjectStore;
  readonly #cores = new WeakMap<CoreElement, CoreId>();
  #tasks: TaskSpec[] = [];
  #flushScheduled = false;
  #reservations = 0;

  constructor(scope: Scope, store: ObjectStore) {
    this.#scope = scope;
    this.#store = store;
  }

  register(element: CoreElement): CoreId {
    let core = this.#cores.get(element);
    if (core === undefined) {
      core = this.#scope.register(element);
      this.#cores.set(element, core);
    }
    return core;
  }

  openGroup(name: string, parent?: GroupId): GroupId {
    this.flush();
    return this.#scope.openGroup(name, parent);
  }

  declare(handle: Handle, kind: DatumKind, content: LinkContent, name?: string): void {
    this.flush();
    this.#scope.declare(handle, kind, content satisfies DatumContent, name);
  }

  written(handle: Handle, content: LinkContent): void {
    this.flush();
    this.#scope.written(handle, content);
  }

  submit(task: TaskCall, fields: TaskFields | undefined): void {
    this.#tasks.push({ scope: this.#scope.id, ...task, ...fields });
    if (this.#tasks.length >= BATCH) this.flush();
    else this.#flushLater();
  }

  wait(target: WaitTarget, done: (result: LinkWaitResult) => void): number {
    this.flush();
    return this.#scope.wait(target, (result) => {
      if (result.status === 'failed') done(result);
      else this.#bring(result.versions, done);
    });
  }

  abandon(wait: number): void {
    this.#scope.abandon(wait as WaitId);
  }

  release(handle: Handle): void {
    this.flush();
    this.#scope.release([handle]);
  }

  cancel(target: CancelTarget, reason: string): void {
    this.flush();
    this.#scope.cancel(target, reason);
  }

  reserve(bytes: number): ProgramReservation {
    return { ...this.#store.reserve(bytes), id: this.#reservations++ };
  }

  discard(reservation: ProgramReservation): void {
    this.#store.discard(reservation);
  }

  /** Calls keep their order: whatever is no submission sends those before it first. */
  flush(): void {
    if (this.#tasks.length === 0) return;
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#scope.submit(tasks);
  }

  #flushLater(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  #bring(versions: readonly VersionId[], done: (result: LinkWaitResult) => void): void {
    const values = versions.map((version) => this.#store.acquire(version));
    try {
      done({ status: 'satisfied', data: values.map(broughtOf) });
    } finally {
      versions.forEach((version, i) => {
        if (values[i] !== undefined) this.#store.release(version);
      });
      if (versions.length > 0) this.#scope.unpin(versions);
    }
  }
}

function broughtOf(value: StoredValue | undefined): Brought {
  if (value === undefined) return { kind: 'nothing' };
  if (value.in === 'file' && value.encoded === true) return { kind: 'value', bytes: readFileSync(value.path) };
  if (value.in === 'file') return { kind: 'file', path: value.path };
  const bytes = value.in === 'memory' ? value.bytes : new Uint8Array(value.slab, value.offset, value.length);
  return { kind: 'value', bytes };
}
