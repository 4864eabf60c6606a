import { NONE } from '../model/ids.ts';
import type { ReadyClass } from '../scheduler/ready-class.ts';
import type { Failure } from './failure.ts';

/**
 * Tasks that access one datum as CONCURRENT, with no other access between them. They share one instance, which is the
 * next version of the datum; the first of them to run makes it from `base`.
 */
export class SharedGroup {
  /** The version that all members write. */
  readonly version: number;
  /** The version before it. */
  readonly base: number;
  /** Members that have not settled; those with a live attempt. */
  pending = 0;
  running = 0;
  /** Resource row where the instance is, or is being made. */
  resource = NONE;
  /** Nobody joins any more. */
  closed = false;
  failure: Failure | undefined;
  /** A member ran without a lineage record: the instance cannot be made again. */
  root = false;
  /** Queues that wait until members elsewhere have ended. */
  readonly stuck = new Set<ReadyClass>();

  constructor(version: number, base: number) {
    this.version = version;
    this.base = base;
  }
}

/**
 * Tasks that access one datum as COMMUTATIVE, with no other access between them. They run one at a time, in any order,
 * each on the version that the one before has written.
 */
export class CommuteGroup {
  readonly id: number;
  readonly datum: number;
  /** The version that the next member to run reads. Needed and mentioned by the group. */
  tail: number;
  /** What later accesses read, once there are any; becomes another name of the last tail. */
  final = NONE;
  pending = 0;
  /** Task row that runs now, or NONE. */
  holder = NONE;
  closed = false;
  failure: Failure | undefined;
  /** Queues that wait for the lock. */
  readonly stuck = new Set<ReadyClass>();

  constructor(id: number, datum: number, base: number) {
    this.id = id;
    this.datum = datum;
    this.tail = base;
  }
}

/** One COMMUTATIVE access of a task: which access, which output, which group. */
export interface Commuting {
  readonly position: number;
  readonly output: number;
  readonly group: CommuteGroup;
}
