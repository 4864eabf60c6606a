import type { Dispatcher } from './dispatcher.ts';
import type { DatumKind } from './model/access.ts';
import type { CoreElement } from './model/core-element.ts';
import type { CoreId, GroupId, Handle, ResourceId, ScopeId, VersionId, WaitId } from './model/ids.ts';
import { SELF } from './model/ids.ts';
import type { TaskSpec } from './model/task.ts';
import type { DatumContent, OfferedTask, Scope, ScopeOwner } from './ports.ts';
import type { WaitResult } from './scheduler/effects.ts';
import type { CancelTarget, WaitTarget } from './scheduler/events.ts';

const SELF_HOLDS: readonly ResourceId[] = [SELF];
const NOBODY: readonly ResourceId[] = [];

/** A submitter's end of the dispatcher: turns its calls into events. After `ended` every call is ignored. */
export class ScopeClient implements Scope {
  readonly id: ScopeId;
  readonly owner: ScopeOwner;
  /** The scope at the top of its line of parents: an application's, or a peer's link. */
  readonly root: ScopeId;
  readonly #dispatcher: Dispatcher;
  readonly #waits = new Set<WaitId>();
  #groups = 0;
  #closed = false;
  #ended = false;

  constructor(id: ScopeId, root: ScopeId, owner: ScopeOwner, dispatcher: Dispatcher) {
    this.id = id;
    this.root = root;
    this.owner = owner;
    this.#dispatcher = dispatcher;
  }

  register(element: CoreElement): CoreId {
    return this.#dispatcher.register(element);
  }

  openGroup(name: string, parent?: GroupId): GroupId {
    const group = this.#groups++ as GroupId;
    this.#dispatcher.post({
      type: 'group-opened',
      scope: this.id,
      group,
      name,
      ...(parent === undefined ? {} : { parent }),
    });
    return group;
  }

  declare(handle: Handle, kind: DatumKind, content: DatumContent, name?: string): void {
    const held = content.from === 'inline' || content.from === 'reservation' || content.from === 'path';
    this.#dispatcher.postWithContent(
      {
        type: 'datum-declared',
        scope: this.id,
        handle,
        kind,
        bytes: contentBytes(content),
        holders: held ? SELF_HOLDS : NOBODY,
        durable: (content.from === 'path' && content.encoded !== true) || content.from === 'sources',
        ...(name === undefined ? {} : { name }),
      },
      content,
    );
  }

  submit(tasks: readonly TaskSpec[]): void {
    if (this.#closed) return;
    for (const task of tasks) this.#dispatcher.post({ type: 'task-submitted', task });
    this.#dispatcher.observer.submitted?.(this.id, tasks.length);
  }

  wait(target: WaitTarget, done: (result: WaitResult) => void): WaitId {
    const wait = this.#dispatcher.newWait((result) => {
      this.#waits.delete(wait);
      done(result);
    });
    this.#waits.add(wait);
    this.#dispatcher.post({ type: 'wait-requested', scope: this.id, wait, target });
    return wait;
  }

  abandon(wait: WaitId): void {
    if (this.#waits.delete(wait)) this.#dispatcher.dropWait(wait);
  }

  unpin(versions: readonly VersionId[]): void {
    this.#dispatcher.pins.unpin(versions);
  }

  written(handle: Handle, content: DatumContent): void {
    this.#dispatcher.postWithContent(
      { type: 'datum-written', scope: this.id, handle, bytes: contentBytes(content) },
      content,
    );
  }

  release(handles: readonly Handle[]): void {
    for (const handle of handles) this.#dispatcher.post({ type: 'handle-released', scope: this.id, handle });
  }

  cancel(target: CancelTarget, reason: string): void {
    this.#dispatcher.post({ type: 'cancel-requested', scope: this.id, target, reason });
  }

  recall(seq: number): void {
    this.#dispatcher.recall(this.id, seq);
  }

  offer(key: string, entries: readonly OfferedTask[]): void {
    this.#dispatcher.post({ type: 'replay-offered', scope: this.id, key, entries });
  }

  close(cancel?: string): void {
    if (this.#ended || (this.#closed && cancel === undefined)) return;
    this.#closed = true;
    this.#dispatcher.post({ type: 'scope-closed', scope: this.id, ...(cancel === undefined ? {} : { cancel }) });
  }

  /** The core has forgotten the scope: pending waits of it can no longer end. */
  ended(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closed = true;
    for (const wait of [...this.#waits]) this.abandon(wait);
    this.owner.ended();
  }
}

function contentBytes(content: DatumContent): number {
  switch (content.from) {
    case 'inline':
      return content.bytes.byteLength;
    case 'reservation':
    case 'path':
      return content.length;
    case 'sources':
      return content.bytes;
    case 'nothing':
      return 0;
  }
}
