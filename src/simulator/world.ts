import { type Millis, millis } from '../common/brand.ts';
import type { ResourceId, TaskId } from '../runtime/model/ids.ts';
import type { TaskSpec } from '../runtime/model/task.ts';
import type { SchedulerCore } from '../runtime/scheduler/core.ts';
import type { SchedulerEvent } from '../runtime/scheduler/events.ts';
import { Network } from './network.ts';
import type { SimNode } from './node.ts';
import type { ModelTask } from './program.ts';
import { Timeline } from './timeline.ts';

/** The core keeps it for as long as the task may run, and so the model of the task. */
export interface ModelSpec extends TaskSpec {
  readonly model: ModelTask;
}

/** What the parts of a simulation share: the clock, what is to come, the nodes, and what the core has to be told. */
export class SimWorld {
  readonly core: SchedulerCore;
  readonly nodes = new Map<ResourceId, SimNode>();
  readonly network = new Network();
  /** Happened, and not yet told. */
  events: SchedulerEvent[] = [];
  now = 0;
  attempts = 0;
  readonly #timeline = new Timeline<() => void>();

  constructor(core: SchedulerCore) {
    this.core = core;
  }

  get at(): Millis {
    return millis(this.now);
  }

  /** Time of the next happening; Infinity when nothing is to come. */
  get next(): number {
    return this.#timeline.next;
  }

  in(delayMs: number, happening: () => void): void {
    this.#timeline.add(this.now + delayMs, happening);
  }

  /** Everything up to and including that time, in order. */
  runUntil(time: number): void {
    while (this.#timeline.next <= time) {
      this.now = this.#timeline.next;
      this.#timeline.take()();
    }
    this.now = time;
  }

  /** A node tells the agent: on its way for as long as its link takes, and lost if the node dies first. */
  tell(node: SimNode, event: SchedulerEvent): void {
    const { latencyMs } = node.model;
    if (latencyMs === 0) this.events.push(event);
    else this.in(latencyMs, () => this.#arrive(node, event));
  }

  #arrive(node: SimNode, event: SchedulerEvent): void {
    if (node.isAlive) this.events.push(event);
  }

  modelOf(task: TaskId): ModelTask {
    return (this.core.spec(task) as ModelSpec).model;
  }
}
