import { NONE } from '../model/ids.ts';
import { grown, Rows } from '../model/rows.ts';
import { Segments } from '../model/segments.ts';
import type { TaskSpec } from '../model/task.ts';
import type { ScopeState } from './scope-state.ts';
import { isTerminal } from './transitions.ts';

/** `task-settled` is wanted. */
export const NOTIFY = 1;
export const PRIORITY = 2;
/** Writes lost versions again; belongs to no scope's count. */
export const RECOMPUTES = 4;
/** Has COMMUTATIVE accesses: inputs, outputs and locks come with the assignment. */
export const COMMUTES = 8;
/** Has CONCURRENT accesses. */
export const SHARES = 16;
/** Its ready class is not the plain one of its core element. */
export const SPECIAL = 32;
/** Kept for `story` and `graph`. */
export const IN_HISTORY = 64;
/** Its record is one of lineage: its inputs are remembered with it. */
export const LINEAGE = 256;
/** Reads a version that it also writes anew (INOUT). */
export const UPDATES = 512;
/** Has taken its COMMUTATIVE locks. */
export const LOCKED = 1024;

/** One row for each task that is not forgotten. */
export class TaskRows extends Rows {
  status = new Uint8Array(this.capacity);
  flags = new Uint16Array(this.capacity);
  /** Attempts launched; failed ones that count; lost ones. */
  attempts = new Uint16Array(this.capacity);
  failures = new Uint8Array(this.capacity);
  losses = new Uint8Array(this.capacity);
  core = new Int32Array(this.capacity);
  seq = new Int32Array(this.capacity);
  /** For people and for order: rises with every submission. */
  number = new Float64Array(this.capacity);
  /** Version rows: one cell an access (what it reads, or NONE), then one an output. */
  segment = new Int32Array(this.capacity);
  inputs = new Int32Array(this.capacity);
  outputs = new Int32Array(this.capacity);
  /** Edges that still point here: pending inputs. */
  missing = new Int32Array(this.capacity);
  /** Row of the current attempt, or NONE. */
  invocation = new Int32Array(this.capacity);
  /** Neighbours in the list of its ready class; `readyClass` is its row. */
  next = new Int32Array(this.capacity);
  previous = new Int32Array(this.capacity);
  readyClass = new Int32Array(this.capacity);
  /** Resource row to avoid (it failed or was lost there), or to stick to while `sticky`. */
  avoid = new Int32Array(this.capacity);
  pin = new Int32Array(this.capacity);
  scopeNext = new Int32Array(this.capacity);
  scopePrevious = new Int32Array(this.capacity);
  /** Last entry of its story. */
  story = new Int32Array(this.capacity);
  /** Live versions that it can write again: its lineage record lives while there are any. */
  records = new Int32Array(this.capacity);
  readonly spec: (TaskSpec | undefined)[] = [];
  readonly scope: (ScopeState | undefined)[] = [];
  readonly segments = new Segments();
  /** Number of the task submitted last. */
  lastNumber = 0;

  protected override resize(capacity: number): void {
    this.status = grown(this.status, capacity);
    this.flags = grown(this.flags, capacity);
    this.attempts = grown(this.attempts, capacity);
    this.failures = grown(this.failures, capacity);
    this.losses = grown(this.losses, capacity);
    this.core = grown(this.core, capacity);
    this.seq = grown(this.seq, capacity);
    this.number = grown(this.number, capacity);
    this.segment = grown(this.segment, capacity);
    this.inputs = grown(this.inputs, capacity);
    this.outputs = grown(this.outputs, capacity);
    this.missing = grown(this.missing, capacity);
    this.invocation = grown(this.invocation, capacity);
    this.next = grown(this.next, capacity);
    this.previous = grown(this.previous, capacity);
    this.readyClass = grown(this.readyClass, capacity);
    this.avoid = grown(this.avoid, capacity);
    this.pin = grown(this.pin, capacity);
    this.scopeNext = grown(this.scopeNext, capacity);
    this.scopePrevious = grown(this.scopePrevious, capacity);
    this.story = grown(this.story, capacity);
    this.records = grown(this.records, capacity);
  }

  /** A blocked task with room for its versions, all NONE. */
  add(spec: TaskSpec, scope: ScopeState, inputs: number, outputs: number): number {
    const row = this.allocate();
    this.status[row] = 0;
    this.flags[row] = 0;
    this.attempts[row] = 0;
    this.failures[row] = 0;
    this.losses[row] = 0;
    this.core[row] = spec.core;
    this.seq[row] = spec.seq;
    this.number[row] = ++this.lastNumber;
    this.missing[row] = 0;
    this.invocation[row] = NONE;
    this.next[row] = NONE;
    this.previous[row] = NONE;
    this.readyClass[row] = NONE;
    this.avoid[row] = NONE;
    this.pin[row] = NONE;
    this.scopeNext[row] = NONE;
    this.scopePrevious[row] = NONE;
    this.story[row] = NONE;
    this.records[row] = 0;
    this.spec[row] = spec;
    this.scope[row] = scope;
    this.#addSegment(row, inputs, outputs);
    return row;
  }

  #addSegment(row: number, inputs: number, outputs: number): void {
    this.inputs[row] = inputs;
    this.outputs[row] = outputs;
    const size = inputs + outputs;
    if (size === 0) {
      this.segment[row] = NONE;
      return;
    }
    const offset = this.segments.allocate(size);
    this.segment[row] = offset;
    const { cells } = this.segments;
    for (let cell = offset; cell < offset + size; cell++) cells[cell] = NONE;
  }

  /** Forgets the task; the caller has let go of its versions. */
  remove(row: number): void {
    const size = this.inputs[row]! + this.outputs[row]!;
    if (size > 0) this.segments.release(this.segment[row]!, size);
    this.spec[row] = undefined;
    this.scope[row] = undefined;
    this.release(row);
  }

  isSettled(row: number): boolean {
    return isTerminal(this.status[row]!);
  }

  input(row: number, position: number): number {
    return this.segments.cells[this.segment[row]! + position]!;
  }

  output(row: number, position: number): number {
    return this.segments.cells[this.segment[row]! + this.inputs[row]! + position]!;
  }

  setInput(row: number, position: number, version: number): void {
    this.segments.cells[this.segment[row]! + position] = version;
  }

  setOutput(row: number, position: number, version: number): void {
    this.segments.cells[this.segment[row]! + this.inputs[row]! + position] = version;
  }
}
