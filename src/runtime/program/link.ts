import type { ErrorInfo } from '../../common/errors.ts';
import type { DatumKind } from '../model/access.ts';
import type { CoreElement } from '../model/core-element.ts';
import type { CoreId, GroupId, Handle } from '../model/ids.ts';
import type { TaskSpec } from '../model/task.ts';
import type { CancelTarget, Reservation, WaitTarget } from '../ports.ts';

/** A region of shared memory as a program holds it; `id` names it on its way back. */
export interface ProgramReservation extends Reservation {
  readonly id: number;
}

/** What every submission has; scope and key are added on the other side. */
export type TaskCall = Required<Pick<TaskSpec, 'seq' | 'core' | 'args' | 'accesses' | 'returns'>>;
/** What few have. */
export type TaskFields = Omit<TaskSpec, keyof TaskCall | 'scope' | 'key'>;

/** Content of a datum that a program declares or writes. */
export type LinkContent =
  | { readonly from: 'inline'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly from: 'reservation'; readonly reservation: ProgramReservation; readonly length: number }
  | { readonly from: 'path'; readonly path: string; readonly length: number }
  | { readonly from: 'nothing' };

/** A datum that a wait has brought. `done` of the wait must have read it when it returns. */
export type Brought =
  /** May lie in shared memory: copy. */
  | { readonly kind: 'value'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string }
  /** Its writer failed and was ignored. */
  | { readonly kind: 'nothing' };

export type LinkWaitResult =
  | { readonly status: 'satisfied'; readonly data: readonly Brought[] }
  | { readonly status: 'failed'; readonly error: ErrorInfo };

/**
 * How a program reaches the agent: over the batched port of its thread, or directly in the agent's own process. Calls
 * are cheap and one-way, except `reserve`.
 */
export interface Link {
  register(element: CoreElement): CoreId;
  openGroup(name: string, parent?: GroupId): GroupId;
  declare(handle: Handle, kind: DatumKind, content: LinkContent, name?: string): void;
  written(handle: Handle, content: LinkContent): void;
  submit(task: TaskCall, fields: TaskFields | undefined): void;
  /** Returns what `abandon` takes. */
  wait(target: WaitTarget, done: (result: LinkWaitResult) => void): number;
  abandon(wait: number): void;
  release(handle: Handle): void;
  cancel(target: CancelTarget, reason: string): void;
  /** Shared memory, at once. Throws ERR_STORE_FULL. */
  reserve(bytes: number): ProgramReservation;
  discard(reservation: ProgramReservation): void;
}
