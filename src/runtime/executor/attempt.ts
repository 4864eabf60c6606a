import type { ExecutionRequest } from '../ports.ts';

/**
 * queued: with the executor; given: on a thread or process, running or behind another there; suspended: it waits for
 * tasks of its own and its units are free; resuming: it asked for them again; ended.
 */
export type AttemptState = 'queued' | 'given' | 'suspended' | 'resuming' | 'ended';

/** One attempt from `execute` to its settlement, as far as it is the same wherever it runs. */
export abstract class Attempt {
  readonly request: ExecutionRequest;
  state: AttemptState = 'queued';
  /** Its units are taken: it runs, or is the next where nothing else runs. */
  counted = false;
  announced = false;
  /** Of its time limit, then of the grace after a stop. */
  timer: NodeJS.Timeout | undefined;

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
