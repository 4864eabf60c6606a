import type { Handle } from './ids.ts';

/** Spelt as in COMPSs; the order is the ordinal on its piped protocols (spec 1.4). */
export const DIRECTIONS = ['IN', 'OUT', 'INOUT', 'CONCURRENT', 'COMMUTATIVE', 'IN_DELETE'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export const DATUM_KINDS = ['value', 'file', 'directory'] as const;
export type DatumKind = (typeof DATUM_KINDS)[number];

/** One access of a task to a datum, in parameter order. Collections are flattened by the submitter: one access an element. */
export interface Access {
  readonly handle: Handle;
  readonly direction: Direction;
  readonly kind: DatumKind;
  /** Weight of this datum for locality; default 1. */
  readonly weight?: number;
  /** Files and directories: base name under which the task sees it; absent: that of the stored file. */
  readonly name?: string;
  /** Files: do not present the file under its original name. */
  readonly keepRename?: boolean;
}

export const reads = (direction: Direction): boolean => direction !== 'OUT';
export const writes = (direction: Direction): boolean =>
  direction === 'OUT' || direction === 'INOUT' || direction === 'COMMUTATIVE' || direction === 'CONCURRENT';
