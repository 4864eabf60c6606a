import { type ErrorInfo, RuntimeError, toErrorInfo } from '../common/errors.ts';
import { type CoreId, type GroupId, NONE, type ScopeId, type TaskId, type WaitId } from '../runtime/model/ids.ts';
import type { TaskSpec } from '../runtime/model/task.ts';
import type { DatumContent, ObjectStore, Scope, ScopeOwner, WaitResult, WaitTarget } from '../runtime/ports.ts';

/** What a worker gives to attempts that submit: every task of them fails, and so does whoever waits for it. */
export function closedScopes(node: string, store: ObjectStore): (owner: ScopeOwner) => Scope {
  const error = toErrorInfo(new RuntimeError('ERR_NESTING_UNSUPPORTED', { node }));
  return (owner) => new ClosedScope(owner, store, error);
}

class ClosedScope implements Scope {
  readonly id = NONE as ScopeId;
  readonly #owner: ScopeOwner;
  readonly #store: ObjectStore;
  readonly #error: ErrorInfo;
  readonly #waits = new Set<WaitId>();
  #names = 0;
  #submitted = false;
  #closed = false;

  constructor(owner: ScopeOwner, store: ObjectStore, error: ErrorInfo) {
    this.#owner = owner;
    this.#store = store;
    this.#error = error;
  }

  register(): CoreId {
    return 0 as CoreId;
  }

  openGroup(): GroupId {
    return this.#names++ as GroupId;
  }

  declare(_handle: unknown, _kind: unknown, content: DatumContent): void {
    this.#drop(content);
  }

  written(_handle: unknown, content: DatumContent): void {
    this.#drop(content);
  }

  submit(tasks: readonly TaskSpec[]): void {
    this.#submitted ||= tasks.length > 0;
    for (const { seq, notify } of tasks) {
      if (notify === true) this.#later(() => this.#fail(seq));
    }
  }

  wait(target: WaitTarget, done: (result: WaitResult) => void): WaitId {
    const wait = this.#names++ as WaitId;
    this.#waits.add(wait);
    this.#later(() => {
      if (!this.#waits.delete(wait)) return;
      const fails = target.on === 'data' || this.#submitted;
      done(fails ? { status: 'failed', error: this.#error } : { status: 'satisfied', versions: [] });
    });
    return wait;
  }

  abandon(wait: WaitId): void {
    this.#waits.delete(wait);
  }

  unpin(): void {}

  release(): void {}

  cancel(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#later(() => this.#owner.ended());
  }

  #fail(seq: number): void {
    this.#owner.settled(seq, NONE as TaskId, { status: 'failed', error: this.#error }, []);
  }

  /** As a dispatcher does: never inside the call that asked. */
  #later(act: () => void): void {
    setImmediate(act);
  }

  #drop(content: DatumContent): void {
    if (content.from === 'reservation') this.#store.discard(content.reservation);
  }
}
