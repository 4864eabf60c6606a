import { types } from 'node:util';
import { RuntimeError, toErrorInfo } from '../../../common/errors.ts';
import { isTaskException } from '../../program/task-exception.ts';
import type { BatchWriter } from '../batch.ts';
import { COMPLETED_EMPTY, type ThreadOutcome, writeOutcome } from '../outcome-record.ts';
import { CLAIM, FROM_THREAD, RUN_FLAG, STATUS, type ThreadImplementation } from '../protocol.ts';
import type { RunRecord } from '../run-record.ts';
import { Attempt, attempts } from './attempt.ts';
import { Inputs } from './inputs.ts';
import type { Modules, UserFunction } from './modules.ts';
import { HoldsFutures, type Outputs } from './outputs.ts';
import type { Slabs } from './slabs.ts';
import { showResources } from './task-environment.ts';

/** Longest the loop keeps the thread from its event loop between two attempts. */
const TURN_MS = 2;
/** Results that go out together while more attempts are at hand, and how long the first of them may stay. */
const FLUSH_AFTER = 64;
const FLUSH_MS = 0.1;

interface Loaded {
  readonly implementation: ThreadImplementation;
  fn: UserFunction | undefined;
  loading: Promise<UserFunction> | undefined;
}

export interface RunLoopParts {
  readonly out: BatchWriter;
  readonly flush: () => void;
  readonly claims: Int32Array;
  readonly slabs: Slabs;
  readonly modules: Modules;
  readonly outputs: Outputs;
  readonly checkInputs: boolean;
}

/**
 * Runs the attempts given to this thread, one at a time and in order: the next begins when the one before has settled.
 * An attempt that waits for tasks of its own does not count, but only attempts marked SHARE run beside it.
 */
export class RunLoop {
  readonly #parts: RunLoopParts;
  readonly #implementations: Loaded[] = [];
  readonly #live = new Map<number, Attempt>();
  #queue: RunRecord[] = [];
  #head = 0;
  /** Attempts that run and do not wait for tasks; attempts that do. */
  #active = 0;
  #waiting = 0;
  #unsent = 0;
  #flushedAt = 0;
  #scheduled = false;

  constructor(parts: RunLoopParts) {
    this.#parts = parts;
  }

  addImplementation(index: number, implementation: ThreadImplementation): void {
    this.#implementations[index] = { implementation, fn: undefined, loading: undefined };
  }

  push(record: RunRecord): void {
    this.#queue.push(record);
  }

  get(slot: number): Attempt | undefined {
    return this.#live.get(slot);
  }

  /** The attempt waits for its own tasks only, or has something to do again. */
  readonly setWaiting = (attempt: Attempt, waiting: boolean): void => {
    attempt.waiting = waiting;
    this.#active += waiting ? -1 : 1;
    this.#waiting += waiting ? 1 : -1;
    if (waiting) this.#schedule();
  };

  /** Runs what may run, then sends what came of it. */
  pump = (): void => {
    this.#scheduled = false;
    let startedAt = performance.now();
    const deadline = startedAt + TURN_MS;
    this.#flushedAt = startedAt;
    while (this.#head < this.#queue.length) {
      const record = this.#queue[this.#head]!;
      if (!this.#mayRun(record)) break;
      this.#head += 1;
      this.#start(record, startedAt);
      startedAt = performance.now();
      if (this.#unsent >= FLUSH_AFTER || (this.#unsent > 0 && startedAt - this.#flushedAt > FLUSH_MS)) {
        this.#flush();
        this.#flushedAt = startedAt;
      }
      if (startedAt > deadline) {
        this.#schedule();
        break;
      }
    }
    if (this.#head >= this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    attempts.enterWith(undefined);
    this.#flush();
  };

  /** After something outside the loop has changed what may run. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.pump);
  }

  #flush(): void {
    this.#unsent = 0;
    this.#parts.flush();
  }

  /** A recalled one is passed over at once: it must not stand in the way of those behind it. */
  #mayRun(record: RunRecord): boolean {
    if (Atomics.load(this.#parts.claims, record.slot) === CLAIM.RECALLED) return true;
    return this.#active === 0 && (this.#waiting === 0 || (record.flags & RUN_FLAG.SHARE) !== 0);
  }

  #start(record: RunRecord, startedAt: number): void {
    const { claims, out } = this.#parts;
    if (Atomics.compareExchange(claims, record.slot, CLAIM.QUEUED, CLAIM.CLAIMED) !== CLAIM.QUEUED) {
      out.word(FROM_THREAD.SKIPPED);
      out.word(record.slot);
      return;
    }
    const loaded = this.#implementations[record.implementation]!;
    const attempt = new Attempt(record, loaded.implementation.signature);
    attempt.startedAt = startedAt;
    this.#live.set(record.slot, attempt);
    this.#active += 1;
    if (attempt.has(RUN_FLAG.ANNOUNCE)) {
      this.#announce(attempt);
      this.#flush();
    }
    attempts.enterWith(attempt);
    showResources(record);
    if (loaded.fn !== undefined) this.#run(attempt, loaded.fn);
    else this.#load(attempt, loaded);
  }

  #announce(attempt: Attempt): void {
    this.#parts.out.word(FROM_THREAD.STARTED);
    this.#parts.out.word(attempt.slot);
  }

  #load(attempt: Attempt, loaded: Loaded): void {
    loaded.loading ??= this.#parts.modules.load(loaded.implementation);
    loaded.loading.then(
      (fn) => {
        loaded.fn = fn;
        if (attempt.settled) return;
        if (attempt.aborted) this.#fail(attempt, new Error('aborted'));
        else this.#run(attempt, fn);
        this.#schedule();
      },
      (error: unknown) => {
        loaded.loading = undefined;
        this.#fail(attempt, error);
        this.#schedule();
      },
    );
  }

  #run(attempt: Attempt, fn: UserFunction): void {
    const inputs = new Inputs(attempt.record, this.#parts.slabs, this.#parts.checkInputs);
    attempt.inputs = inputs;
    try {
      const result = fn(...inputs.decodeArguments());
      if (isThenable(result)) this.#follow(attempt, result);
      else this.#complete(attempt, result);
    } catch (error) {
      this.#fail(attempt, error);
    }
  }

  #follow(attempt: Attempt, result: PromiseLike<unknown>): void {
    if (!attempt.has(RUN_FLAG.ANNOUNCE)) this.#announce(attempt);
    result.then(
      (value) => {
        this.#complete(attempt, value);
        this.#schedule();
      },
      (error: unknown) => {
        this.#fail(attempt, error);
        this.#schedule();
      },
    );
  }

  #complete(attempt: Attempt, result: unknown): void {
    if (attempt.settled) return;
    const { inputs, record, program } = attempt;
    if (program?.hasWrittenFiles === true) {
      this.#follow(
        attempt,
        program.finish().then(() => result),
      );
      return;
    }
    try {
      if (record.accesses.length === 0 && record.returns === 0) {
        this.#settle(attempt, COMPLETED_EMPTY);
        return;
      }
      inputs!.verify(String(record.extra?.task ?? ''), attempt.signature);
      const outputs = this.#parts.outputs.collect(inputs!, record.returns, result, attempt.regions);
      this.#settle(attempt, { status: STATUS.COMPLETED, outputs });
    } catch (error) {
      if (error instanceof HoldsFutures) this.#bringFutures(attempt, result);
      else this.#fail(attempt, error);
    }
  }

  /** Futures inside a result: their values take their places before it is encoded. */
  #bringFutures(attempt: Attempt, result: unknown): void {
    const { program } = attempt;
    if (program === undefined) this.#fail(attempt, new RuntimeError('ERR_FUTURE_FOREIGN'));
    else this.#follow(attempt, program.waitOn(result));
  }

  /** Ends an attempt with whatever was thrown, also from outside the loop. */
  fail(attempt: Attempt, error: unknown): void {
    this.#fail(attempt, error);
    this.#schedule();
  }

  #fail(attempt: Attempt, error: unknown): void {
    if (attempt.settled) return;
    if (attempt.aborted) {
      this.#settle(attempt, { status: STATUS.CANCELLED });
      return;
    }
    if (!isTaskException(error)) {
      this.#settle(attempt, { status: STATUS.FAILED, error: toErrorInfo(error, 'ERR_TASK_FAILED') });
      return;
    }
    this.#settle(attempt, this.#exception(attempt, error));
  }

  /** The task counts as completed: its written data are what they are, its returns undefined. */
  #exception(attempt: Attempt, thrown: Error): ThreadOutcome {
    const error = toErrorInfo(thrown, 'ERR_TASK_EXCEPTION');
    try {
      const { returns } = attempt.record;
      const result = returns > 1 ? new Array<undefined>(returns).fill(undefined) : undefined;
      const outputs = this.#parts.outputs.collect(attempt.inputs!, returns, result, attempt.regions);
      return { status: STATUS.EXCEPTION, error, outputs };
    } catch (second) {
      return { status: STATUS.FAILED, error: toErrorInfo(second, 'ERR_TASK_FAILED') };
    }
  }

  #settle(attempt: Attempt, outcome: ThreadOutcome): void {
    attempt.settled = true;
    this.#live.delete(attempt.slot);
    if (attempt.waiting) this.#waiting -= 1;
    else this.#active -= 1;
    const { out } = this.#parts;
    attempt.program?.close();
    attempt.giveBack(out);
    writeOutcome(out, attempt.slot, outcome, performance.now() - attempt.startedAt);
    this.#unsent += 1;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return types.isPromise(value) || typeof (value as { then?: unknown }).then === 'function';
}
