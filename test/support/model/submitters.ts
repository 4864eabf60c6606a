import type { Access } from '../../../src/runtime/model/access.ts';
import type { CoreId, GroupId, Handle, ScopeId, VersionId, WaitId } from '../../../src/runtime/model/ids.ts';
import type { CoreOptions } from '../../../src/runtime/scheduler/core.ts';
import type { CancelTarget, WaitTarget } from '../../../src/runtime/scheduler/events.ts';
import { ModelChannel } from './channel.ts';
import { type Content, EMPTY, effectOf, numberOf, type ProgramTask, returned, written } from './content.ts';
import type { Attempt, ModelNode, ModelScope, ModelTask } from './state.ts';

/** Who submits: applications and tasks that submit others. Knows what every task has to read. */
export abstract class ModelSubmitters extends ModelChannel {
  readonly root: ModelScope;

  constructor(options: CoreOptions = {}, check = true) {
    super(options, check);
    this.root = this.openScope(undefined, 1);
  }

  openScope(parent: Attempt | undefined, seed: number): ModelScope {
    const id = this.scopeCount++ as ScopeId;
    const scope: ModelScope = { id, seed, parent, tasks: [], declared: new Map(), closed: false, ended: false };
    this.scopes.set(id, scope);
    this.step({
      type: 'scope-opened',
      scope: id,
      name: `s${id}`,
      key: `k${seed}`,
      ...(parent === undefined ? {} : { parent: parent.launch.invocation }),
    });
    return scope;
  }

  /** A parent submits what its program says, in a scope of its own. */
  protected nest(attempt: Attempt, children: readonly ProgramTask[]): void {
    const child = this.openScope(attempt, attempt.task.number);
    attempt.child = child;
    for (const program of children) this.submit(child, program);
  }

  submit(scope: ModelScope, program: ProgramTask): void {
    if (scope.closed || scope.ended) return;
    const seq = scope.tasks.length;
    const number = numberOf(scope.seed, seq);
    scope.tasks.push({ scope, seq, program, number, outcome: undefined, settled: 0 });
    const accesses = program.accesses.map(
      ({ handle, direction }): Access => ({ handle: handle as Handle, direction, kind: 'value' }),
    );
    this.step({
      type: 'task-submitted',
      task: {
        scope: scope.id,
        seq,
        core: (seq % 2) as CoreId,
        args: Uint8Array.of(number & 255),
        accesses,
        returns: (program.returns ?? []) as Handle[],
        notify: true,
        onFailure: program.onFailure ?? 'RETRY',
        ...(program.group === undefined ? {} : { groups: [program.group as GroupId] }),
        ...program.more,
      },
    });
  }

  declare(scope: ModelScope, handle: number, holder: ModelNode | undefined): void {
    if (scope.ended) return;
    const content = written(900_000 + handle + scope.tasks.length);
    this.step({
      type: 'datum-declared',
      scope: scope.id,
      handle: handle as Handle,
      kind: 'value',
      bytes: 8,
      holders: holder === undefined ? [] : [holder.id],
      durable: holder === undefined,
    });
    const version = this.core.latest(scope.id, handle as Handle);
    if (version === undefined) throw new Error('a declared datum has no version');
    this.declarations.push({ scope, handle, before: scope.tasks.length, content });
    if (holder === undefined) this.durable.set(version, content);
    else holder.store.set(version, content);
  }

  protected readonly declarations: { scope: ModelScope; handle: number; before: number; content: Content }[] = [];
  protected readonly durable = new Map<VersionId, Content>();

  wait(scope: ModelScope, target: WaitTarget): void {
    if (scope.ended) return;
    const wait = this.waitCount++ as WaitId;
    this.waits.set(wait, { scope, target, done: 0 });
    this.step({ type: 'wait-requested', scope: scope.id, wait, target });
  }

  abandon(pick: number): void {
    const open = [...this.waits].filter(([, wait]) => wait.done === 0);
    const [id] = open[pick % Math.max(1, open.length)] ?? [];
    if (id === undefined) return;
    this.waits.delete(id);
    this.step({ type: 'wait-abandoned', wait: id });
  }

  release(scope: ModelScope, handle: number): void {
    if (!scope.ended) this.step({ type: 'handle-released', scope: scope.id, handle: handle as Handle });
  }

  cancel(scope: ModelScope, target: CancelTarget): void {
    if (!scope.ended) this.step({ type: 'cancel-requested', scope: scope.id, target, reason: 'test' });
  }

  close(scope: ModelScope, cancel?: string): void {
    if (scope.ended) return;
    scope.closed = true;
    this.step({ type: 'scope-closed', scope: scope.id, ...(cancel === undefined ? {} : { cancel }) });
  }

  openGroup(scope: ModelScope, group: number, parent?: number): void {
    this.step({
      type: 'group-opened',
      scope: scope.id,
      group: group as GroupId,
      name: `g${group}`,
      ...(parent === undefined ? {} : { parent: parent as GroupId }),
    });
  }

  /** What an access of a task has to find: the program in order, with what became of the tasks before. */
  expected(task: ModelTask, handle: number): Content {
    const { scope } = task;
    let content: Content = EMPTY;
    let start = 0;
    for (const one of this.declarations) {
      if (one.scope !== scope || one.handle !== handle || one.before > task.seq) continue;
      content = one.content;
      start = one.before;
    }
    for (let seq = start; seq < task.seq; seq++) content = this.after(scope.tasks[seq]!, handle, content);
    return content;
  }

  protected after(task: ModelTask, handle: number, before: Content): Content {
    let content = before;
    for (const { handle: one, direction } of task.program.accesses) {
      if (one === handle) content = effectOf(task, direction, content);
    }
    if (task.program.returns?.includes(handle) === true) content = task.outcome === 'ignored' ? EMPTY : returned(task);
    return content;
  }
}
