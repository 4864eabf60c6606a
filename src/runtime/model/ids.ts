import type { Brand } from '../../common/brand.ts';

/**
 * Ids are non-negative safe integers. Those of rows that are recycled (tasks, versions, data, invocations) hold the
 * row's index in the low 26 bits and the row's generation above, so that an id is never reused while the process lives
 * and a late message about a recycled row can be told from a current one. 0 is a valid id; `NONE` (-1) is not.
 */
export type TaskId = Brand<number, 'TaskId'>;
export type DatumId = Brand<number, 'DatumId'>;
export type VersionId = Brand<number, 'VersionId'>;
export type InvocationId = Brand<number, 'InvocationId'>;
export type ResourceId = Brand<number, 'ResourceId'>;
/** What is called: dense, from 0, never recycled. */
export type CoreId = Brand<number, 'CoreId'>;
/** Index of an implementation inside its core element. */
export type ImplementationIndex = Brand<number, 'ImplementationIndex'>;
/** A place that tasks are submitted from: an application, a nested parent, a peer link. Chosen by the shell, never reused. */
export type ScopeId = Brand<number, 'ScopeId'>;
/** Name of a datum inside its scope, chosen by the submitter (dense, from 0), so that submitting needs no round trip. */
export type Handle = Brand<number, 'Handle'>;
export type GroupId = Brand<number, 'GroupId'>;
export type WaitId = Brand<number, 'WaitId'>;
export type TimerId = Brand<number, 'TimerId'>;

export const NONE = -1;
/** The agent itself is always the first resource of its own core. */
export const SELF = 0 as ResourceId;
const INDEX_BITS = 26;
export const MAX_ROWS = 2 ** INDEX_BITS;

export const indexOf = (id: number): number => id & (MAX_ROWS - 1);
export const generationOf = (id: number): number => Math.floor(id / MAX_ROWS);
export const makeId = (index: number, generation: number): number => generation * MAX_ROWS + index;
