import type { GroupId } from '../model/ids.ts';
import type { TaskDeclaration } from './declaration.ts';
import type { FileRef } from './file-ref.ts';
import type { Future } from './future.ts';

/** Class of a typed array. */
export interface ArrayType<V> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): V;
}

/** A group as a program knows it. */
export interface ProgramGroup {
  readonly name: string;
  readonly id: GroupId;
}

export type CancelSubject = { readonly future: Future } | { readonly group: ProgramGroup } | { readonly all: true };

/** What the functions of the public entry do, for one submitter: a task, an embedding program, or no runtime at all. */
export interface Program {
  call(task: TaskDeclaration, args: readonly unknown[]): Future | readonly Future[];
  /** The value with futures, tracked objects and files replaced by what they have become. */
  waitOn(value: unknown): Promise<unknown>;
  barrier(group?: ProgramGroup): Promise<void>;
  openGroup(name: string, parent?: ProgramGroup): ProgramGroup;
  cancel(subject: CancelSubject, reason: string): void;
  deleteObject(subject: unknown): boolean;
  put(value: unknown): Future;
  file(path: string, kind: 'file' | 'directory'): FileRef;
  sharedArray<V>(type: ArrayType<V>, length: number): V;
}
