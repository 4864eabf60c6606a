import { indexOf, type ResourceId, type VersionId } from '../runtime/model/ids.ts';
import type { SchedulerEffect } from '../runtime/scheduler/effects.ts';
import type { NodeModel } from './cluster.ts';
import type { ModelTask } from './program.ts';
import type { Happening } from './world.ts';

export type Effect<T extends SchedulerEffect['type']> = Extract<SchedulerEffect, { readonly type: T }>;

/** `staging`: some inputs have not come; `staged`: waits for a slot. */
export type AttemptState = 'sent' | 'staging' | 'staged' | 'running' | 'over';

export interface SimAttempt extends Happening {
  readonly launch: Effect<'launch'>;
  readonly task: ModelTask;
  readonly node: SimNode;
  state: AttemptState;
  /** Inputs that have not come. */
  missing: number;
  startedAt: number;
}

/** A copy that is under way to a node, and who waits for it there. */
export interface Pull {
  readonly version: VersionId;
  readonly to: SimNode;
  readonly from: SimNode;
  readonly bytes: number;
  readonly waiters: SimAttempt[];
  /** Ordered by the agent too: it wants to hear of its end either way. */
  isOrdered: boolean;
  isOver: boolean;
}

/** What a node of the model is doing. It comes back from the dead as another one. */
export class SimNode {
  readonly id: ResourceId;
  readonly model: NodeModel;
  /** Bytes by row of the version: a row is used again only after all copies were freed. */
  readonly #held = new Map<number, number>();
  readonly pulls = new Map<VersionId, Pull>();
  /** In the order in which they may start. */
  readonly staged: SimAttempt[] = [];
  isAlive = true;
  freeSlots: number;
  /** Its link is taken until then, outwards and inwards. */
  sendsUntil = 0;
  receivesUntil = 0;
  /** Slots times milliseconds of user code, lost attempts included. */
  busy = 0;

  constructor(id: ResourceId, model: NodeModel) {
    this.id = id;
    this.model = model;
    this.freeSlots = model.slots;
  }

  bytesOf(version: VersionId): number | undefined {
    return this.#held.get(indexOf(version));
  }

  hold(version: VersionId, bytes: number): void {
    this.#held.set(indexOf(version), bytes);
  }

  drop(version: VersionId): void {
    this.#held.delete(indexOf(version));
  }

  dropAll(): void {
    this.#held.clear();
  }
}
