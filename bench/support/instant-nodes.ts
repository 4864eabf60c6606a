/**
 * Drives a scheduler core as a dispatcher would, over nodes that finish whatever they are sent at once: what is left is
 * the cost of the core.
 */
import { millis } from '../../src/common/brand.ts';
import type { Access } from '../../src/runtime/model/access.ts';
import type { CoreId, Handle, ResourceId, ScopeId } from '../../src/runtime/model/ids.ts';
import type { OutputReport } from '../../src/runtime/model/outcome.ts';
import type { CoreOptions, SchedulerCore } from '../../src/runtime/scheduler/core.ts';
import type { SchedulerEffect } from '../../src/runtime/scheduler/effects.ts';
import type { SchedulerEvent } from '../../src/runtime/scheduler/events.ts';
import { createCore } from '../../src/runtime/scheduler/scheduler.ts';
import { Random } from '../../src/simulator/index.ts';

const SCOPE = 0 as ScopeId;
const AT_ONCE = 1024;
/** A task reads what two of so many before it have written. */
const NEAR = 1000;
const ONE_OUTPUT: readonly OutputReport[] = [{ bytes: 8, inline: true }];

export class InstantNodes {
  readonly core: SchedulerCore;
  readonly #random = new Random(1);
  #events: SchedulerEvent[] = [];
  #at = 0;
  #submitted = 0;
  launched = 0;
  hasEnded = false;

  constructor(options: CoreOptions = {}) {
    this.core = createCore({ historySize: 0, ...options });
    const implementations = [{ language: 'JS' as const, module: 'bench', method: 'nothing' }];
    this.#tell({ type: 'core-registered', core: 0 as CoreId, element: { signature: 'nothing', implementations } });
    this.#tell({ type: 'scope-opened', scope: SCOPE, name: 'bench' });
    this.#step();
  }

  join(nodes: number, slots: number): void {
    for (let id = 0; id < nodes; id++) {
      const processors = [{ name: 'MainProcessor', type: 'CPU' as const, units: slots }];
      const description = { name: `n${id}`, scheme: 'bench', processors };
      this.#tell({ type: 'resource-joined', resource: id as ResourceId, description, self: id === 0 });
    }
    this.#step();
  }

  /** Tasks with two inputs (one or none at the start) and one output, whose handles are let go of when nobody reads them. */
  submit(tasks: number): void {
    for (let left = tasks; left > 0; left--) {
      const seq = this.#submitted++;
      const accesses: Access[] = [];
      for (let input = 0; input < Math.min(2, seq); input++) {
        const back = 1 + this.#random.below(Math.min(seq, NEAR));
        const handle = (seq - back) as Handle;
        if (accesses[0]?.handle !== handle) accesses.push({ handle, direction: 'IN', kind: 'value' });
      }
      accesses.push({ handle: seq as Handle, direction: 'OUT', kind: 'value' });
      this.#tell({
        type: 'task-submitted',
        task: { scope: SCOPE, seq, core: 0 as CoreId, accesses, returns: [] },
      });
      if (seq >= NEAR) this.#tell({ type: 'handle-released', scope: SCOPE, handle: (seq - NEAR) as Handle });
      if (this.#events.length >= AT_ONCE) this.#step();
    }
    this.#step();
  }

  /** Everything that was submitted runs. */
  run(): void {
    while (this.#events.length > 0) this.#step();
  }

  close(): void {
    this.#tell({ type: 'scope-closed', scope: SCOPE });
    this.run();
    if (!this.hasEnded) throw new Error('not all tasks have ended');
  }

  #tell(event: SchedulerEvent): void {
    this.#events.push(event);
  }

  #step(): void {
    const events = this.#events;
    this.#events = [];
    for (const effect of this.core.step(millis(this.#at++), events)) this.#perform(effect);
  }

  #perform(effect: SchedulerEffect): void {
    if (effect.type === 'scope-ended') this.hasEnded = true;
    if (effect.type !== 'launch') return;
    this.launched += 1;
    const { invocation } = effect;
    this.#tell({ type: 'invocation-started', invocation });
    this.#tell({ type: 'invocation-settled', invocation, outcome: { status: 'completed', outputs: ONE_OUTPUT } });
  }
}

/** Processor time of this thread that the work takes, in milliseconds. */
export function cpuMsOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
