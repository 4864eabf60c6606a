import { constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, cp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Logger } from '../../common/logger.ts';
import type { ApplicationId, StartApplication } from '../../contracts/agent/model.ts';
import type { VersionId } from '../../runtime/model/ids.ts';
import type { CompletedTask, ObjectStore, StoredValue, TaskJournal } from '../../runtime/ports.ts';
import { INLINE_BYTES } from '../../runtime/ports.ts';
import type { StateDirectory } from './state-directory.ts';
import { type LoggedOutput, type LoggedTask, readTaskLog, TaskLog } from './task-log.ts';

/** Values above this are made again after a crash: keeping them would cost more than most tasks that make them. */
const MAX_VALUE_BYTES = 64 * 2 ** 20;

const REQUEST_FILE = 'request';
const LOG_FILE = 'tasks.log';

/** An application that was accepted in an earlier life of the agent and has not ended. */
export interface Resumable {
  readonly id: ApplicationId;
  readonly request: StartApplication;
  /** Wall-clock milliseconds. */
  readonly createdAt: number;
  readonly trace?: string;
  /** What its parents have completed, by their keys; of a task that ran twice the last run. */
  readonly completed: ReadonlyMap<string, ReadonlyMap<number, LoggedTask>>;
  /** Folder of the files that `completed` names. */
  readonly folder: string;
}

interface Open {
  readonly folder: string;
  readonly log: TaskLog;
  /** Files being written, one after the other. */
  tail: Promise<void>;
  nextFile: number;
  closed: boolean;
}

/** Keeps accepted applications and what their tasks have completed, until they have ended. */
export class ApplicationJournal implements TaskJournal, AsyncDisposable {
  readonly #directory: StateDirectory;
  readonly #store: ObjectStore;
  readonly #logger: Logger;
  readonly #open = new Map<string, Open>();
  readonly #removals = new Set<Promise<void>>();
  #keeping = false;

  constructor(directory: StateDirectory, store: ObjectStore, logger: Logger) {
    this.#directory = directory;
    this.#store = store;
    this.#logger = logger;
  }

  /** Resolves when the application would resume. Throws what the disk throws. */
  accepted(application: Omit<Resumable, 'completed' | 'folder'>): void {
    const folder = join(this.#directory.applications, application.id);
    mkdirSync(folder, { mode: 0o700 });
    // Written beside and renamed: a request is there whole or not at all.
    const file = join(folder, REQUEST_FILE);
    writeFileSync(`${file}.new`, serialize(application), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
    this.#follow(application.id, folder);
  }

  #follow(id: string, folder: string): void {
    const log = new TaskLog(join(folder, LOG_FILE));
    this.#open.set(id, { folder, log, tail: Promise.resolve(), nextFile: Date.now(), closed: false });
  }

  completed(task: CompletedTask): void {
    const open = this.#open.get(task.key.slice(0, task.key.indexOf('/')));
    if (open === undefined || !task.outputs.every((version) => this.#store.has(version))) return;
    const values = task.outputs.map((version) => this.#store.acquire(version));
    try {
      const { key, seq, digest } = task;
      const outputs = values.map((value) => smallOutput(value));
      if (outputs.every((output) => output !== undefined)) {
        open.log.add({ key, seq, digest, outputs });
        return;
      }
      if (values.some((value) => value === undefined || (value.in !== 'file' && lengthOf(value) > MAX_VALUE_BYTES)))
        return;
      this.#keepFiles(open, task, values as readonly StoredValue[]);
    } finally {
      this.#unpin(task.outputs);
    }
  }

  /** The values are copied at once: a later task may write on in their place. */
  #keepFiles(open: Open, { key, seq, digest, outputs: versions }: CompletedTask, values: readonly StoredValue[]): void {
    const kept = values.map((value) => smallOutput(value) ?? this.#fileOf(open, value));
    for (const version of versions) this.#store.acquire(version);
    open.tail = open.tail
      .then(async () => {
        const outputs: LoggedOutput[] = [];
        for (const output of kept) outputs.push('keep' in output ? await output.keep() : output);
        if (!open.closed) open.log.add({ key, seq, digest, outputs });
      })
      .catch((error: unknown) => {
        if (!open.closed) this.#logger.warn({ key, seq, error: String(error) }, 'a completed task is not kept');
      })
      .finally(() => this.#unpin(versions));
  }

  #fileOf(open: Open, value: StoredValue): { keep(): Promise<LoggedOutput> } {
    const name = `v${open.nextFile++}`;
    const path = join(open.folder, name);
    if (value.in === 'file') return { keep: async () => ({ in: 'file', name, kind: await copyTo(path, value.path) }) };
    const bytes = bytesOf(value).slice();
    return {
      keep: async () => {
        await writeFile(path, bytes);
        return { in: 'file', name, kind: 'value' };
      },
    };
  }

  #unpin(versions: readonly VersionId[]): void {
    for (const version of versions) this.#store.release(version);
  }

  /** It will not resume. */
  ended(id: ApplicationId): void {
    const open = this.#open.get(id);
    if (open === undefined || this.#keeping) return;
    this.#open.delete(id);
    open.closed = true;
    open.log[Symbol.dispose]();
    const removal = open.tail
      .then(() => rm(open.folder, { recursive: true, force: true }))
      .catch((error: unknown) => this.#logger.warn({ id, error: String(error) }, 'its state could not be removed'))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /** From now on whatever ends does so because the agent stops: it resumes at the next start. */
  keepAll(): void {
    this.#keeping = true;
  }

  /** What an earlier life has left, oldest first; each goes on being followed. */
  resume(): readonly Resumable[] {
    const found = this.#directory.list().flatMap((id) => this.#read(id) ?? []);
    for (const { id, folder } of found) this.#follow(id, folder);
    return found.sort((a, b) => a.createdAt - b.createdAt);
  }

  #read(id: string): Resumable | undefined {
    const folder = join(this.#directory.applications, id);
    try {
      const request = join(folder, REQUEST_FILE);
      if (!existsSync(request)) {
        rmSync(folder, { recursive: true, force: true });
        return undefined;
      }
      const application = deserialize(readFileSync(request)) as Omit<Resumable, 'completed' | 'folder'>;
      return { ...application, completed: byParent(readTaskLog(join(folder, LOG_FILE))), folder };
    } catch (error) {
      this.#logger.error(
        { id, folder, error: String(error) },
        'an application cannot be resumed: its state is damaged',
      );
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const open of this.#open.values()) {
      await open.tail;
      open.closed = true;
      open.log[Symbol.dispose]();
    }
    this.#open.clear();
    await Promise.all(this.#removals);
    this.#directory[Symbol.dispose]();
  }
}

async function copyTo(to: string, from: string): Promise<'file' | 'directory'> {
  if ((await stat(from)).isDirectory()) {
    await cp(from, to, { recursive: true });
    return 'directory';
  }
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  return 'file';
}

function byParent(tasks: readonly LoggedTask[]): Map<string, Map<number, LoggedTask>> {
  const parents = new Map<string, Map<number, LoggedTask>>();
  for (const task of tasks) {
    let parent = parents.get(task.key);
    if (parent === undefined) {
      parent = new Map();
      parents.set(task.key, parent);
    }
    parent.set(task.seq, task);
  }
  return parents;
}

/** Undefined when it is too large for the log, or a file. */
function smallOutput(value: StoredValue | undefined): LoggedOutput | undefined {
  if (value === undefined || value.in === 'file' || lengthOf(value) > INLINE_BYTES) return undefined;
  return { in: 'log', bytes: bytesOf(value) };
}

const lengthOf = (value: StoredValue): number => (value.in === 'memory' ? value.bytes.byteLength : value.length);

function bytesOf(value: Exclude<StoredValue, { readonly in: 'file' }>): Uint8Array {
  return value.in === 'memory' ? value.bytes : new Uint8Array(value.slab, value.offset, value.length);
}
