import { Attempt } from './attempt.ts';
import type { Lane } from './lane.ts';
import type { NestedScope } from './nested-scope.ts';

/** Why an attempt is being stopped, and what it becomes when it does not end well by itself. */
export interface Stop {
  readonly kind: 'cancelled' | 'timed-out';
  readonly reason: string;
}

/** One attempt on a thread. */
export class Run extends Attempt {
  lane: Lane | undefined;
  slot = -1;
  stop: Stop | undefined;
  nested: NestedScope | undefined;
}
