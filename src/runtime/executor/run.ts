import type { ExecutionRequest } from '../ports.ts';
import type { Lane } from './lane.ts';
import type { NestedScope } from './nested-scope.ts';

/**
 * queued: with the executor; given: on a thread, running or next there; suspended: it waits for tasks of its own and
 * its units are free; resuming: it asked for them again; ended.
 */
export type RunState = 'queued' | 'given' | 'suspended' | 'resuming' | 'ended';

/** Why an attempt is being stopped, and what it becomes when it does not end well by itself. */
export interface Stop {
  readonly kind: 'cancelled' | 'timed-out';
  readonly reason: string;
}

/** One attempt, from `execute` to its settlement. */
export class Run {
  readonly request: ExecutionRequest;
  state: RunState = 'queued';
  lane: Lane | undefined;
  slot = -1;
  /** Its units are taken: it runs, or is the next on a thread with nothing else to do. */
  counted = false;
  announced = false;
  stop: Stop | undefined;
  /** Of its time limit, then of the grace after a stop. */
  timer: NodeJS.Timeout | undefined;
  nested: NestedScope | undefined;

  constructor(request: ExecutionRequest) {
    this.request = request;
  }

  get cpus(): number {
    return this.request.booking.cpus;
  }

  clearTimer(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
