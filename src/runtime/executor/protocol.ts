/**
 * What the executor and its threads say to each other. A batch (batch.ts) is a sequence of records, each beginning with
 * its number; `slot` names an attempt on its thread and stays taken until the thread has settled or skipped it.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Reservation } from '../ports.ts';

/** Executor to thread. */
export const TO_THREAD = {
  /** index, encoded ThreadImplementation. Before the first RUN that uses it. */
  IMPLEMENTATION: 1,
  /** See run-record.ts. */
  RUN: 2,
  /** slot, reason: abort the signal of the attempt. */
  ABORT: 3,
  /** slot, wait, status, then the values or the error. See scope-server.ts. */
  WAIT_DONE: 4,
  /** slot, seq, encoded TaskOutcome: for tasks with `notify`. */
  TASK_SETTLED: 5,
  /** No more work: leave. */
  CLOSE: 6,
} as const;

/** Thread to executor. */
export const FROM_THREAD = {
  /** The modules are loaded: threadId. */
  READY: 1,
  /** slot: before an attempt that has a time limit runs, and when one becomes asynchronous. */
  STARTED: 2,
  /** slot, status, milliseconds of user code, then outputs or error. See outcome-record.ts. */
  SETTLED: 3,
  /** slot: it had been recalled. */
  SKIPPED: 4,
  /** slot, 1 or 2 (stdout or stderr), bytes. */
  OUTPUT: 5,
  /** 1 or 2, bytes: written outside any attempt. */
  STRAY_OUTPUT: 6,
  /** slot, number of WAIT_DONE received so far: it waits for nothing else. */
  SUSPENDED: 7,
  /** Calls on the scope of the attempt in `slot`; see scope-records.ts. */
  ELEMENT: 8,
  SUBMIT: 9,
  WAIT: 10,
  ABANDON: 11,
  UNPIN: 12,
  RELEASE: 13,
  DECLARE: 14,
  WRITTEN: 15,
  OPEN_GROUP: 16,
  CANCEL: 17,
  /** reservation: given back unused. */
  DISCARD: 18,
} as const;

/** States of an attempt's claim word, changed only by compare-and-swap. */
export const CLAIM = { FREE: 0, QUEUED: 1, CLAIMED: 2, RECALLED: 3 } as const;

/** Attempts a thread may know of at once, running, suspended and ahead. */
export const SLOTS = 1024;

/** Flags of a RUN record. */
export const RUN_FLAG = {
  /** May run beside suspended attempts of the same thread. */
  SHARE: 1,
  /** Say STARTED before user code runs. */
  ANNOUNCE: 2,
  /** Writers may work on the old version's memory. */
  IN_PLACE: 4,
  /** An encoded RunExtra follows the arguments. */
  EXTRA: 8,
} as const;

/** Where the content of an input lies, in a RUN or WAIT_DONE record. */
export const CONTENT = { NONE: 0, INLINE: 1, SLAB: 2, FILE: 3 } as const;

/** How an output comes, in a SETTLED record. */
export const OUTPUT = { INLINE: 1, RESERVATION: 2, FILE: 3, DELEGATED: 4 } as const;

export const STATUS = { COMPLETED: 1, FAILED: 2, EXCEPTION: 3, CANCELLED: 4 } as const;

export interface ThreadImplementation {
  readonly signature: string;
  readonly module: string;
  readonly method: string;
}

/** What few attempts have. */
export interface RunExtra {
  readonly task?: number;
  readonly trace?: string;
  readonly hostNames?: readonly string[];
  readonly gpus?: readonly number[];
  readonly fpgas?: readonly number[];
  readonly workingDir?: string;
  /** Base names of files, by access. */
  readonly names?: readonly (string | undefined)[];
}

/** A slab that the thread has not seen yet; posted on the same port before it is used. */
export interface SlabMessage {
  readonly slab: number;
  readonly buffer: SharedArrayBuffer;
}

/** What a thread gets once, as the argument of its one long Piscina task. */
export interface ThreadSetup {
  readonly port: MessagePort;
  /** Answers to synchronous requests: SlabMessages, and errors. */
  readonly syncPort: MessagePort;
  /** Int32 words; see SYNC. */
  readonly sync: SharedArrayBuffer;
  /** Claim words by slot. */
  readonly claims: SharedArrayBuffer;
  readonly codePaths: readonly string[];
  /** URL that `import 'metakernel'` means. */
  readonly publicEntry: string;
  readonly checkInputs: boolean;
}

/** Layout of the words for synchronous requests; SIZE words follow as float64s from DATA on (byte offset). */
export const SYNC = { STATE: 0, IDLE: 0, ASKED: 1, ANSWERED: 2, REFUSED: 3, DATA: 16, BYTES: 64 } as const;

/** A request on the sync port: reserve shared memory. */
export interface ReserveRequest {
  readonly reserve: number;
}

/** A reservation as a thread knows it. */
export interface ThreadReservation extends Reservation {
  readonly id: number;
}
