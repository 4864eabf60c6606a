import { type Millis, millis } from '../common/brand.ts';
import { type InvocationId, indexOf, type ResourceId, type TaskId } from '../runtime/model/ids.ts';
import type { TaskSpec } from '../runtime/model/task.ts';
import type { SchedulerCore } from '../runtime/scheduler/core.ts';
import type { SchedulerEvent } from '../runtime/scheduler/events.ts';
import { Network } from './network.ts';
import type { SimAttempt, SimNode } from './node.ts';
import type { ModelTask } from './program.ts';
import { Timeline } from './timeline.ts';

/** The core keeps it for as long as the task may run, and so the model of the task. */
export interface ModelSpec extends TaskSpec {
  readonly model: ModelTask;
}

/** Something that comes at its time. */
export interface Happening {
  happen(world: SimWorld): void;
}

/** On its way from a node to the agent. */
class Message implements Happening {
  readonly #node: SimNode;
  readonly #event: SchedulerEvent;

  constructor(node: SimNode, event: SchedulerEvent) {
    this.#node = node;
    this.#event = event;
  }

  happen(world: SimWorld): void {
    if (this.#node.isAlive) world.events.push(this.#event);
  }
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
  /** Live ones by row of the invocation. */
  readonly #live: (SimAttempt | undefined)[] = [];
  readonly #timeline = new Timeline<Happening>();

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

  in(delayMs: number, happening: Happening): void {
    this.#timeline.add(this.now + delayMs, happening);
  }

  /** Everything up to and including that time, in order. */
  runUntil(time: number): void {
    while (this.#timeline.next <= time) {
      this.now = this.#timeline.next;
      this.#timeline.take().happen(this);
    }
    this.now = time;
  }

  /** A node tells the agent: on its way for as long as its link takes, and lost if the node dies first. */
  tell(node: SimNode, event: SchedulerEvent): void {
    const { latencyMs } = node.model;
    if (latencyMs === 0) this.events.push(event);
    else this.in(latencyMs, new Message(node, event));
  }

  began(attempt: SimAttempt): void {
    this.attempts += 1;
    this.#live[indexOf(attempt.launch.invocation)] = attempt;
  }

  ended({ launch }: SimAttempt): void {
    this.#live[indexOf(launch.invocation)] = undefined;
  }

  attempt(invocation: InvocationId): SimAttempt | undefined {
    const attempt = this.#live[indexOf(invocation)];
    return attempt?.launch.invocation === invocation ? attempt : undefined;
  }

  attemptsOn(node: SimNode): SimAttempt[] {
    return this.#live.flatMap((attempt) => (attempt?.node === node ? [attempt] : []));
  }

  modelOf(task: TaskId): ModelTask {
    return (this.core.spec(task) as ModelSpec).model;
  }
}
