import type { VersionId } from '../../model/ids.ts';
import type { ExecutionRequest } from '../../ports.ts';
import type { PythonScope } from './scope.ts';
import type { PythonWorker } from './worker.ts';

/** queued: with the executor; given: with a process, running or behind another; suspended, resuming: it waits. */
export type RunState = 'queued' | 'given' | 'suspended' | 'resuming' | 'ended';

/** Why an attempt is being stopped, and what it becomes when it does not end well by itself. */
export interface Stop {
  readonly kind: 'cancelled' | 'timed-out';
}

/** One attempt, from `execute` to its settlement. */
export class PythonRun {
  readonly request: ExecutionRequest;
  state: RunState = 'queued';
  worker: PythonWorker | undefined;
  /** Number among the attempts of its process. */
  index = -1;
  /** Its units are taken: it runs, or is the next of a process that does nothing else. */
  counted = false;
  announced = false;
  stop: Stop | undefined;
  /** Of its time limit, then of the grace after a stop. */
  timer: NodeJS.Timeout | undefined;
  scope: PythonScope | undefined;
  /** Inputs whose shared files it uses. */
  held: readonly VersionId[] = [];

  constructor(request: ExecutionRequest) {
    this.request = request;
  }

  get cpus(): number {
    return this.request.booking.cpus;
  }

  /** A whole program: its process is of no use to others afterwards. */
  get isProgram(): boolean {
    return this.request.implementation.method === '__main__';
  }

  clearTimer(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
