import type { Access, Direction } from '../runtime/model/access.ts';
import type { Handle } from '../runtime/model/ids.ts';

/** A kind of task of a modelled program. */
export interface ModelElement {
  readonly name: string;
  /** Slots that one run takes. */
  readonly cpus: number;
}

/** An access to a datum, which programs number from 0. */
export const accessTo = (datum: number, direction: Direction): Access => ({
  handle: datum as Handle,
  direction,
  kind: 'value',
});

/** One task as the program submits it. */
export interface ModelTask {
  /** Index among the program's elements. */
  readonly element: number;
  readonly accesses: readonly Access[];
  /** Size of everything that it writes, in the order of its accesses. */
  readonly bytes: readonly number[];
  /** Run time on a node of speed 1. */
  readonly ms: number;
}

/** What a program does next: a task, or it lets go of a datum that it will not name again. */
export type ProgramStep = { readonly task: ModelTask } | { readonly release: number };

/** A program as its submissions, in order. Steps are made when they are asked for, so that ten million need no memory. */
export interface ModelProgram {
  readonly name: string;
  readonly elements: readonly ModelElement[];
  /** Tasks that `steps` will give. */
  readonly tasks: number;
  steps(): Iterable<ProgramStep>;
}
