import { AsyncLocalStorage } from 'node:async_hooks';
import type { TaskProgram } from '../../program/task-program.ts';
import type { BatchWriter } from '../batch.ts';
import { FROM_THREAD, type RUN_FLAG, type ThreadReservation } from '../protocol.ts';
import type { RunRecord } from '../run-record.ts';
import type { Inputs } from './inputs.ts';
import type { PortLink } from './port-link.ts';

/** An attempt on its thread, from claim to settlement. User code reaches it through AsyncLocalStorage. */
export class Attempt {
  readonly record: RunRecord;
  readonly signature: string;
  /** Opened at its first call of the programming model. */
  program: TaskProgram | undefined;
  link: PortLink | undefined;
  inputs: Inputs | undefined;
  settled = false;
  /** It waits for tasks of its own and has said so. */
  waiting = false;
  /** Shared memory reserved by user code and not yet part of any datum. */
  readonly ownRegions: ThreadReservation[] = [];
  /** What the time of user code is counted from. */
  startedAt = 0;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;

  constructor(record: RunRecord, signature: string) {
    this.record = record;
    this.signature = signature;
  }

  get slot(): number {
    return this.record.slot;
  }

  get aborted(): boolean {
    return this.#abortReason !== undefined;
  }

  /** Made when user code asks for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
    this.program?.abort(reason);
  }

  /** All regions that an output may lie in. Those taken out are the executor's. */
  get regions(): ThreadReservation[] {
    const copies = this.inputs?.regions;
    if (copies !== undefined && copies.length > 0) this.ownRegions.push(...copies.splice(0));
    return this.ownRegions;
  }

  /** Returns the regions that no output took. */
  giveBack(out: BatchWriter): void {
    for (const region of this.regions) {
      out.word(FROM_THREAD.DISCARD);
      out.word(region.id);
    }
    this.ownRegions.length = 0;
  }

  has(flag: (typeof RUN_FLAG)[keyof typeof RUN_FLAG]): boolean {
    return (this.record.flags & flag) !== 0;
  }
}

export const attempts = new AsyncLocalStorage<Attempt | undefined>();
