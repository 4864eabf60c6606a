import type { InvocationId, ResourceId, VersionId } from '../runtime/model/ids.ts';
import type { SchedulerEffect } from '../runtime/scheduler/effects.ts';
import type { NodeModel } from './cluster.ts';
import type { ModelTask } from './program.ts';

export type Effect<T extends SchedulerEffect['type']> = Extract<SchedulerEffect, { readonly type: T }>;

/** `staging`: some inputs have not come; `staged`: waits for a slot. */
export type AttemptState = 'sent' | 'staging' | 'staged' | 'running' | 'over';

export interface SimAttempt {
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
  readonly held = new Map<VersionId, number>();
  readonly pulls = new Map<VersionId, Pull>();
  readonly attempts = new Map<InvocationId, SimAttempt>();
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
}
