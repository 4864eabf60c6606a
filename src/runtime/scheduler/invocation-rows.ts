import { NONE } from '../model/ids.ts';
import { grown, Rows } from '../model/rows.ts';

/** Sent ahead: waits in the resource's queue, holds nothing. */
export const QUEUED = 0;
/** Holds its units. */
export const BOOKED = 1;
/** Has given its units back. */
export const PARKED = 2;
/** Wants its units again. */
export const RESUMING = 3;

export const STARTED = 1;
export const CANCEL_SENT = 2;
export const RECALL_SENT = 4;
/** Works on an input in place: if it does not complete, that input is spoilt. */
export const IN_PLACE = 8;
/** Another node of its task was lost: unless it has completed, it counts as lost. */
export const BROKEN = 16;

/** One row for each attempt that has not settled. */
export class InvocationRows extends Rows {
  state = new Uint8Array(this.capacity);
  flags = new Uint8Array(this.capacity);
  task = new Int32Array(this.capacity);
  resource = new Int32Array(this.capacity);
  implementation = new Int32Array(this.capacity);
  /** Index of what it needs (`Needs`). */
  need = new Int32Array(this.capacity);
  startedAt = new Float64Array(this.capacity);
  /** Neighbours among the attempts of its resource. */
  next = new Int32Array(this.capacity);
  previous = new Int32Array(this.capacity);
  /** Neighbours in the queue of its resource, while QUEUED. */
  queueNext = new Int32Array(this.capacity);
  queuePrevious = new Int32Array(this.capacity);

  protected override resize(capacity: number): void {
    this.state = grown(this.state, capacity);
    this.flags = grown(this.flags, capacity);
    this.task = grown(this.task, capacity);
    this.resource = grown(this.resource, capacity);
    this.implementation = grown(this.implementation, capacity);
    this.need = grown(this.need, capacity);
    this.startedAt = grown(this.startedAt, capacity);
    this.next = grown(this.next, capacity);
    this.previous = grown(this.previous, capacity);
    this.queueNext = grown(this.queueNext, capacity);
    this.queuePrevious = grown(this.queuePrevious, capacity);
  }

  add(task: number, resource: number, implementation: number, need: number): number {
    const row = this.allocate();
    this.state[row] = BOOKED;
    this.flags[row] = 0;
    this.task[row] = task;
    this.resource[row] = resource;
    this.implementation[row] = implementation;
    this.need[row] = need;
    this.startedAt[row] = NONE;
    this.next[row] = NONE;
    this.previous[row] = NONE;
    this.queueNext[row] = NONE;
    this.queuePrevious[row] = NONE;
    return row;
  }
}
