import { randomUUID } from 'node:crypto';
import type { PeerRuntime } from '../../src/agent/peer/peer-link.ts';
import type { ErrorInfo } from '../../src/common/errors.ts';
import { createObjectStore, type SlabStore } from '../../src/runtime/data/object-store.ts';
import { linkKeyOf } from '../../src/runtime/data/ticket.ts';
import { reads, writes } from '../../src/runtime/model/access.ts';
import type { CoreElement } from '../../src/runtime/model/core-element.ts';
import type { CoreId, GroupId, Handle, ScopeId, TaskId, VersionId, WaitId } from '../../src/runtime/model/ids.ts';
import type { TaskOutcome } from '../../src/runtime/model/outcome.ts';
import type { ResourceDescription } from '../../src/runtime/model/resource.ts';
import type { TaskSpec } from '../../src/runtime/model/task.ts';
import type {
  AgentIdentity,
  CancelTarget,
  DataMover,
  DatumContent,
  Scope,
  ScopeOwner,
} from '../../src/runtime/ports.ts';

/** What a task of the test does: outputs in report order, an error, or nothing for ever. */
export type Behaviour = (
  method: string,
  inputs: readonly (Buffer | undefined)[],
  spec: TaskSpec,
) => readonly Uint8Array[] | ErrorInfo | 'hang';

/**
 * The runtime below a peer link, without scheduling: tasks run in the turn after their submission, in order. The store is the
 * real one; sources are not pulled, a datum that is declared from them is lost.
 */
export class MinimalRuntime implements PeerRuntime, AsyncDisposable {
  readonly self: AgentIdentity;
  readonly store: SlabStore = createObjectStore({ limitBytes: 64 * 2 ** 20 });
  readonly mover: DataMover;
  readonly registered: CoreElement[] = [];
  readonly scopes = new Set<MinimalScope>();
  readonly behaviour: Behaviour;
  nextVersion = 1000;

  constructor(name: string, behaviour: Behaviour) {
    this.self = { name, incarnation: randomUUID(), host: '127.0.0.1', dataPort: 1 };
    this.behaviour = behaviour;
    this.mover = aliasesOnly(name);
  }

  openScope(owner: ScopeOwner): Scope {
    const scope = new MinimalScope(this, owner);
    this.scopes.add(scope);
    return scope;
  }

  describe = (): ResourceDescription => ({
    name: this.self.name,
    scheme: 'local',
    processors: [{ name: 'cpu', type: 'CPU', units: 2 }],
  });

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

function aliasesOnly(name: string): DataMover {
  const aliases = new Map<string, VersionId>();
  return {
    port: 1,
    alias: (key, version) => void aliases.set(key, version),
    resolve: (key) => aliases.get(key),
    pull: (_version, _kind, _sources, done) =>
      done({ error: { code: 'ERR_TRANSFER_FAILED', message: 'no data port' } }),
    cancelPull: () => undefined,
    ticket: (reader, keys) => `${reader}:${keys.join()}`,
    linkKey: (issuer) => linkKeyOf(Buffer.from(name), issuer),
    stats: () => ({ bytesIn: 0, bytesOut: 0, pulls: 0, failures: 0 }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

class MinimalScope implements Scope {
  readonly id = 0 as ScopeId;
  readonly owner: ScopeOwner;
  readonly #runtime: MinimalRuntime;
  readonly #versions = new Map<Handle, VersionId>();
  readonly #hanging = new Map<number, TaskSpec>();
  #closed = false;

  constructor(runtime: MinimalRuntime, owner: ScopeOwner) {
    this.#runtime = runtime;
    this.owner = owner;
  }

  /** Data that the submitter can still name; tasks that have not ended. */
  get load(): { readonly handles: number; readonly hanging: number } {
    return { handles: this.#versions.size, hanging: this.#hanging.size };
  }

  register(element: CoreElement): CoreId {
    return (this.#runtime.registered.push(element) - 1) as CoreId;
  }

  openGroup(): GroupId {
    return 0 as GroupId;
  }

  declare(handle: Handle, _kind: unknown, content: DatumContent): void {
    if (content.from !== 'inline') return;
    this.#put(handle, content.bytes);
    if (content.key !== undefined) this.#runtime.mover.alias(content.key, this.#versions.get(handle) as VersionId);
  }

  #put(handle: Handle, bytes: Uint8Array): VersionId {
    this.release([handle]);
    const version = this.#runtime.nextVersion++ as VersionId;
    this.#runtime.store.putInline(version, bytes);
    this.#versions.set(handle, version);
    return version;
  }

  submit(tasks: readonly TaskSpec[]): void {
    const copies = [...tasks];
    setImmediate(() => {
      for (const task of copies) if (!this.#closed) this.#run(task);
    });
  }

  #run(task: TaskSpec): void {
    this.owner.started?.(task.seq);
    const inputs = task.accesses.map((access) => (reads(access.direction) ? this.#read(access.handle) : undefined));
    const method = this.#runtime.registered[task.core]?.implementations[0]?.method ?? '';
    const result = this.#runtime.behaviour(method, inputs, task);
    if (result === 'hang') this.#hanging.set(task.seq, task);
    else if ('code' in result) this.#settle(task, { status: 'failed', error: result }, []);
    else this.#settle(task, { status: 'completed' }, this.#write(task, result));
  }

  #read(handle: Handle): Buffer | undefined {
    const version = this.#versions.get(handle);
    const value = version === undefined ? undefined : this.#runtime.store.acquire(version);
    if (version !== undefined) this.#runtime.store.release(version);
    return value?.in === 'memory' ? Buffer.from(value.bytes) : undefined;
  }

  #write(task: TaskSpec, outputs: readonly Uint8Array[]): VersionId[] {
    const handles = [
      ...task.accesses.filter((access) => writes(access.direction)).map((access) => access.handle),
      ...task.returns,
    ];
    return handles.map((handle, index) => this.#put(handle, outputs[index] ?? new Uint8Array(0)));
  }

  #settle(task: TaskSpec, outcome: TaskOutcome, outputs: readonly VersionId[]): void {
    this.#hanging.delete(task.seq);
    this.owner.settled(task.seq, task.seq as TaskId, outcome, outputs);
  }

  wait(): WaitId {
    return 0 as WaitId;
  }

  abandon(): void {}
  unpin(): void {}
  written(): void {}

  release(handles: readonly Handle[]): void {
    for (const handle of handles) {
      const version = this.#versions.get(handle);
      if (version !== undefined) this.#runtime.store.free(version);
      this.#versions.delete(handle);
    }
  }

  cancel(target: CancelTarget, reason: string): void {
    const task = 'task' in target ? this.#hanging.get(target.task) : undefined;
    if (task !== undefined) this.#settle(task, { status: 'cancelled', reason }, []);
  }

  recall(seq: number): void {
    this.cancel({ task: seq }, 'recalled');
  }

  close(): void {
    this.#closed = true;
    this.#hanging.clear();
    this.#runtime.scopes.delete(this);
    this.owner.ended();
  }
}
