import { millis } from '../../src/common/brand.ts';
import type { Access, DatumKind, Direction } from '../../src/runtime/model/access.ts';
import type { CoreId, Handle, InvocationId, ResourceId, ScopeId, WaitId } from '../../src/runtime/model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../../src/runtime/model/outcome.ts';
import type { Constraints, ResourceDescription } from '../../src/runtime/model/resource.ts';
import type { TaskSpec } from '../../src/runtime/model/task.ts';
import type { CoreOptions, SchedulerCore } from '../../src/runtime/scheduler/core.ts';
import type { SchedulerEffect } from '../../src/runtime/scheduler/effects.ts';
import type { SchedulerEvent, WaitTarget } from '../../src/runtime/scheduler/events.ts';
import { createCore } from '../../src/runtime/scheduler/scheduler.ts';

export const SCOPE = 0 as ScopeId;

export const aResource = (
  name: string,
  cpus: number,
  more: Partial<ResourceDescription> = {},
): ResourceDescription => ({
  name,
  scheme: 'local',
  processors: [{ name: 'MainProcessor', type: 'CPU', units: cpus }],
  ...more,
});

/** `aTask().reading(0).writing(1).spec`: handles are numbers of the case's scope. */
export class TaskBuilder {
  readonly accesses: Access[] = [];
  more: Partial<TaskSpec> = {};

  #access(handle: number, direction: Direction, kind: DatumKind = 'value'): this {
    this.accesses.push({ handle: handle as Handle, direction, kind });
    return this;
  }

  reading(handle: number): this {
    return this.#access(handle, 'IN');
  }

  writing(handle: number): this {
    return this.#access(handle, 'OUT');
  }

  updating(handle: number): this {
    return this.#access(handle, 'INOUT');
  }

  deleting(handle: number): this {
    return this.#access(handle, 'IN_DELETE');
  }

  needing(constraints: Constraints): this {
    this.more = { ...this.more, constraints };
    return this;
  }

  with(more: Partial<TaskSpec>): this {
    this.more = { ...this.more, ...more };
    return this;
  }
}

export const aTask = (): TaskBuilder => new TaskBuilder();

export type Launch = Extract<SchedulerEffect, { type: 'launch' }>;

/** A core with one scope and one core element; every step is followed by a check of the invariants. */
export class SchedulerCase {
  readonly core: SchedulerCore;
  /** All effects so far. */
  readonly effects: SchedulerEffect[] = [];
  #seq = 0;
  #waits = 0;
  #resources = 0;
  #now = 0;

  constructor(options: CoreOptions = {}) {
    this.core = createCore(options);
    const implementations = [{ language: 'JS' as const, module: 'm', method: 'f' }];
    this.step({ type: 'core-registered', core: 0 as CoreId, element: { signature: 'm#f', implementations } });
    this.step({ type: 'scope-opened', scope: SCOPE, name: 'case' });
  }

  step(...events: SchedulerEvent[]): SchedulerEffect[] {
    this.#now += 1;
    const effects = [...this.core.step(millis(this.#now), events)];
    this.effects.push(...effects);
    this.core.checkInvariants();
    return effects;
  }

  join(description: ResourceDescription): ResourceId {
    const resource = this.#resources++ as ResourceId;
    this.step({ type: 'resource-joined', resource, description, self: resource === 0 });
    return resource;
  }

  /** Submission index of the task. */
  submit(task: TaskBuilder): number {
    const seq = this.#seq++;
    this.step({
      type: 'task-submitted',
      task: { scope: SCOPE, seq, core: 0 as CoreId, accesses: task.accesses, returns: [], notify: true, ...task.more },
    });
    return seq;
  }

  /** Launches that have not settled, oldest first. */
  get running(): Launch[] {
    return this.effects
      .filter((one) => one.type === 'launch')
      .filter(({ invocation }) => !this.#settled.has(invocation));
  }

  readonly #settled = new Set<InvocationId>();

  settle(
    launch: Launch | undefined,
    outcome?: Partial<InvocationOutcome> & { status: InvocationOutcome['status'] },
  ): SchedulerEffect[] {
    if (launch === undefined) throw new Error('nothing was launched');
    this.#settled.add(launch.invocation);
    const outputs: OutputReport[] = launch.outputs.map(() => ({ bytes: 8, inline: false }));
    const full = { status: 'completed', outputs, ...outcome } as InvocationOutcome;
    return this.step({ type: 'invocation-settled', invocation: launch.invocation, outcome: full });
  }

  forgetRunning(resource: ResourceId): void {
    for (const launch of this.running) if (launch.resource === resource) this.#settled.add(launch.invocation);
  }

  wait(target: WaitTarget): () => SchedulerEffect | undefined {
    const wait = this.#waits++ as WaitId;
    this.step({ type: 'wait-requested', scope: SCOPE, wait, target });
    return () => this.effects.find((one) => one.type === 'wait-done' && one.wait === wait);
  }

  outcomes(): Record<number, string> {
    return Object.fromEntries(
      this.effects.flatMap((one) => (one.type === 'task-settled' ? [[one.seq, one.outcome.status]] : [])),
    );
  }

  /** Lets everything end; what is left then was leaked. */
  close(): { liveTasks: number; liveVersions: number } {
    for (let launch = this.running[0]; launch !== undefined; launch = this.running[0]) this.settle(launch);
    this.step({ type: 'scope-closed', scope: SCOPE, cancel: 'end of the case' });
    const { liveTasks, liveVersions } = this.core.stats();
    return { liveTasks, liveVersions };
  }
}
