import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { RuntimeError } from '../../common/errors.ts';
import { decode } from '../data/value-codec.ts';
import type { DatumKind } from '../model/access.ts';
import { writes } from '../model/access.ts';
import { type GroupId, type Handle, NONE } from '../model/ids.ts';
import type { CancelTarget, WaitTarget } from '../ports.ts';
import { Bringing } from './bringing.ts';
import { CallBuilder, type HandleSource } from './call-builder.ts';
import { ContentEncoder, HEAD_ROOM } from './content-encoder.ts';
import type { TaskDeclaration } from './declaration.ts';
import { FileRef } from './file-ref.ts';
import { sizeOf } from './file-transfer.ts';
import { Future } from './future.ts';
import { currentGroups } from './group-context.ts';
import type { Brought, Link, LinkWaitResult, ProgramReservation, TaskFields } from './link.ts';
import type { ArrayType, CancelSubject, Program, ProgramGroup } from './program.ts';
import { errorOf } from './remote-error.ts';

export interface TaskProgramOptions {
  /** Shared memory that the program has reserved and not yet given away; shared with whoever settles the program. */
  readonly regions?: ProgramReservation[];
}

interface PendingWait {
  readonly reject: (error: unknown) => void;
  readonly wait: number;
}

interface HeldHandle {
  readonly program: WeakRef<TaskProgram>;
  readonly handle: Handle;
}

/** Handles of objects and futures that user code has lost, told to the runtime. */
const collected = new FinalizationRegistry<HeldHandle>(({ program, handle }) => program.deref()?.drop(handle));

/** The programming model over one scope of the runtime. */
export class TaskProgram implements Program, HandleSource {
  readonly regions: ProgramReservation[];
  readonly #link: Link;
  readonly #encoder: ContentEncoder;
  readonly #builder: CallBuilder;
  readonly #self = new WeakRef<TaskProgram>(this);
  #nextSeq = 0;
  #nextHandle = 0;
  /** Objects known by identity: their handle means their latest version. */
  readonly #tracked = new WeakMap<object, Handle>();
  readonly #released = new Set<Handle>();
  readonly #files = new Map<string, { readonly handle: Handle; readonly kind: DatumKind; written: boolean }>();
  readonly #pending = new Set<PendingWait>();
  #tracks = 0;
  #ended: Error | undefined;

  constructor(link: Link, options: TaskProgramOptions = {}) {
    this.#link = link;
    this.regions = options.regions ?? [];
    this.#encoder = new ContentEncoder((bytes) => link.reserve(bytes));
    this.#builder = new CallBuilder(this);
  }

  call(task: TaskDeclaration, args: readonly unknown[]): Future | readonly Future[] {
    const { element, outside } = task;
    if (outside !== undefined) throw new RuntimeError('ERR_TASK_MODULE_UNKNOWN', { task: task.name, file: outside });
    this.#mustBeOpen();
    const { args: bytes, accesses, temporary } = this.#builder.build(task, args);
    const seq = this.#nextSeq++;
    const returns = task.returns === 0 ? NO_RETURNS : this.#newHandles(task.returns);
    const core = this.#link.register(element);
    const more = this.#moreOf(task, args);
    this.#link.submit({ seq, core, args: bytes, accesses, returns }, more);
    for (const handle of temporary) this.#link.release(handle);
    if (this.#files.size > 0)
      for (const access of accesses) if (writes(access.direction)) this.#noteWritten(access.handle);
    return this.#futures(returns, seq);
  }

  /** What the declaration and the place of the call add; undefined for most tasks. */
  #moreOf(task: TaskDeclaration, args: readonly unknown[]): TaskFields | undefined {
    const groups = currentGroups();
    if (groups.length === 0 && task.constraintsOf === undefined) return task.options;
    return {
      ...task.options,
      ...(groups.length === 0 ? undefined : { groups: groups.map((group) => group.id) }),
      ...(task.constraintsOf === undefined ? undefined : { constraints: task.constraintsOf(...args) }),
    };
  }

  waitOn(value: unknown): Promise<unknown> {
    const bringing = new Bringing(this);
    const plan = bringing.plan(value);
    if (plan.handles.length === 0 && plan.seqs.length === 0) return Promise.resolve(value);
    return this.#finishWaits(bringing, value);
  }

  async #finishWaits(bringing: Bringing, value: unknown): Promise<unknown> {
    const { handles, seqs } = bringing;
    const tasks = seqs.length === 0 ? undefined : this.#wait({ on: 'tasks', seqs }, () => undefined);
    const data =
      handles.length === 0
        ? undefined
        : this.#wait({ on: 'data', handles }, (brought) => {
            for (let i = 0; i < brought.length; i++) bringing.bring(i, readOf(brought[i]!));
          });
    await Promise.all([tasks, data]);
    return bringing.replace(value);
  }

  barrier(group?: ProgramGroup): Promise<void> {
    return this.#wait(group === undefined ? { on: 'scope' } : { on: 'group', group: group.id }, () => undefined);
  }

  openGroup(name: string, parent?: ProgramGroup): ProgramGroup {
    this.#mustBeOpen();
    return { name, id: this.#link.openGroup(name, parent?.id) };
  }

  cancel(subject: CancelSubject, reason: string): void {
    this.#link.cancel(this.#cancelTarget(subject), reason);
  }

  deleteObject(subject: unknown): boolean {
    if (subject instanceof FileRef) return this.#deleteFile(subject.path);
    if (typeof subject !== 'object' || subject === null) return false;
    const handle = subject instanceof Future ? subject.handle : this.#tracked.get(subject);
    if (handle === undefined || handle === NONE) return false;
    if (!(subject instanceof Future)) this.#tracked.delete(subject);
    collected.unregister(subject);
    this.drop(handle);
    return true;
  }

  put(value: unknown): Future {
    this.#mustBeOpen();
    return this.#future(this.store(value), NONE);
  }

  file(path: string, kind: 'file' | 'directory'): FileRef {
    return new FileRef(resolve(path), kind);
  }

  sharedArray<V>(type: ArrayType<V>, length: number): V {
    const region = this.#link.reserve(HEAD_ROOM + length * type.BYTES_PER_ELEMENT);
    this.regions.push(region);
    return new type(region.slab, region.offset + HEAD_ROOM, length);
  }

  /** Brings the files that its tasks have written to their paths: what a program leaves when it ends. */
  async finish(): Promise<void> {
    const written = [...this.#files].filter(([, file]) => file.written);
    for (const [, file] of written) file.written = false;
    const references = written.map(([path, file]) => new FileRef(path, file.kind as 'file' | 'directory'));
    if (references.length > 0) await this.waitOn(references);
  }

  get hasWrittenFiles(): boolean {
    for (const file of this.#files.values()) if (file.written) return true;
    return false;
  }

  /** Nothing can be awaited or submitted any more; what is awaited fails. */
  abort(reason: Error): void {
    const { pending } = this.#close(reason);
    for (const { reject } of pending) reject(reason);
  }

  /** Its code has ended: what it still awaits, nobody looks at. */
  close(): void {
    this.#close(new RuntimeError('ERR_TASK_ENDED'));
  }

  #close(reason: Error): { readonly pending: readonly PendingWait[] } {
    this.#ended ??= reason;
    const pending = [...this.#pending];
    for (const { wait } of pending) this.#link.abandon(wait);
    this.#pending.clear();
    return { pending };
  }

  // ------------------------------------------------------------------------------------------ data by name

  get tracksObjects(): boolean {
    return this.#tracks > 0;
  }

  handleOfFuture(future: Future): Handle {
    if (future.owner !== this) throw new RuntimeError('ERR_FUTURE_FOREIGN');
    if (future.handle === NONE) throw new RuntimeError('ERR_FUTURE_EMPTY', { task: future.seq });
    if (this.#released.has(future.handle)) throw new RuntimeError('ERR_DATA_DELETED', { datum: `d${future.handle}` });
    return future.handle;
  }

  trackedHandle(value: object): Handle | undefined {
    return this.#tracked.get(value);
  }

  track(value: object, empty: boolean): Handle {
    const handle = this.#newHandle();
    this.#link.declare(handle, 'value', empty ? { from: 'nothing' } : this.#encoder.encode(value, this.regions));
    this.#tracked.set(value, handle);
    this.#tracks += 1;
    collected.register(value, { program: this.#self, handle }, value);
    return handle;
  }

  handleOfFile(file: FileRef): Handle {
    const known = this.#files.get(file.path);
    if (known !== undefined) return known.handle;
    const handle = this.#newHandle();
    const { path, kind } = file;
    this.#files.set(path, { handle, kind, written: false });
    const content = existsSync(path)
      ? ({ from: 'path', path, length: sizeOf(path, kind) } as const)
      : ({ from: 'nothing' } as const);
    this.#link.declare(handle, kind, content, path);
    return handle;
  }

  pathOf(handle: Handle): string | undefined {
    for (const [path, file] of this.#files) if (file.handle === handle) return path;
    return undefined;
  }

  store(value: unknown): Handle {
    const handle = this.#newHandle();
    this.#link.declare(handle, 'value', this.#encoder.encode(value, this.regions));
    return handle;
  }

  /** The program can no longer name the datum. */
  drop(handle: Handle): void {
    if (this.#ended === undefined) this.#link.release(handle);
  }

  #deleteFile(path: string): boolean {
    const known = this.#files.get(path);
    if (known === undefined) return false;
    this.#files.delete(path);
    this.drop(known.handle);
    return true;
  }

  #noteWritten(handle: Handle): void {
    for (const file of this.#files.values()) if (file.handle === handle) file.written = true;
  }

  #newHandle(): Handle {
    return this.#nextHandle++ as Handle;
  }

  #newHandles(count: number): Handle[] {
    const handles: Handle[] = [];
    for (let i = 0; i < count; i++) handles.push(this.#newHandle());
    return handles;
  }

  #futures(returns: readonly Handle[], seq: number): Future | readonly Future[] {
    if (returns.length === 0) return new Future(NONE as Handle, seq, this);
    if (returns.length === 1) return this.#future(returns[0]!, seq);
    return returns.map((handle) => this.#future(handle, seq));
  }

  #future(handle: Handle, seq: number): Future {
    const future = new Future(handle, seq, this);
    collected.register(future, { program: this.#self, handle }, future);
    return future;
  }

  // ------------------------------------------------------------------------------------------ waiting

  #wait(target: WaitTarget, read: (data: readonly Brought[]) => void): Promise<void> {
    this.#mustBeOpen();
    return new Promise((fulfil, reject) => {
      const wait = this.#link.wait(target, (result) => {
        this.#pending.delete(pending);
        settleWait(result, read, fulfil, reject);
      });
      const pending: PendingWait = { wait, reject };
      this.#pending.add(pending);
    });
  }

  #cancelTarget(subject: CancelSubject): CancelTarget {
    if ('all' in subject) return { all: true };
    if ('group' in subject) return { group: subject.group.id as GroupId };
    return { task: subject.future.seq };
  }

  #mustBeOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }
}

const NO_RETURNS: readonly Handle[] = [];

function settleWait(
  result: LinkWaitResult,
  read: (data: readonly Brought[]) => void,
  fulfil: () => void,
  reject: (error: unknown) => void,
): void {
  if (result.status === 'failed') {
    reject(errorOf(result.error));
    return;
  }
  try {
    read(result.data);
    fulfil();
  } catch (error) {
    reject(error);
  }
}

/** What a wait brings belongs to the caller. */
function readOf(brought: Brought): unknown {
  switch (brought.kind) {
    case 'value':
      return decode(brought.bytes, { copy: true });
    case 'file':
      return brought.path;
    case 'nothing':
      return undefined;
  }
}
