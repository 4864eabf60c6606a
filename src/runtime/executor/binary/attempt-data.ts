import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { RuntimeError } from '../../../common/errors.ts';
import { decode } from '../../data/value-codec.ts';
import { writes } from '../../model/access.ts';
import type { ExecutionRequest, StoredValue } from '../../ports.ts';
import type { ThreadOutput } from '../outcome-record.ts';
import type { RunAccess } from '../run-record.ts';
import { TaskFiles } from '../thread/files.ts';

/** A file that an attempt left, at a path of its own. */
export type FileOutput = Extract<ThreadOutput, { readonly as: 'file' }>;

/** The data of one attempt as a program sees them: files in its folder, values as what they are written as. */
export class AttemptData {
  readonly #request: ExecutionRequest;
  readonly #files: TaskFiles;

  constructor(request: ExecutionRequest) {
    this.#request = request;
    this.#files = new TaskFiles(request.workingDir);
  }

  /** The argument list with paths and values in the places of data; `accessOf` tells which position is which access. */
  arguments(): { readonly values: readonly unknown[]; readonly accessOf: ReadonlyMap<number, number> } {
    const { args } = this.#request;
    if (args === undefined || args.length === 0) return { values: [], accessOf: new Map() };
    const list = decode(args, { copy: true, resolveRef: (index) => new Place(index) });
    if (!Array.isArray(list)) {
      throw new RuntimeError('ERR_PARAMETER_INVALID', {
        task: this.#request.implementation.module,
        position: 0,
        reason: 'the arguments of a program cannot be those of another language',
      });
    }
    const accessOf = new Map<number, number>();
    list.forEach((value: unknown, position) => {
      if (value instanceof Place) accessOf.set(position, value.access);
    });
    return { values: list.map((value) => this.#filled(value)), accessOf };
  }

  /** Where the program finds, or leaves, the file of an access. */
  path(access: number): string {
    return this.#files.present(access, this.#access(access), this.#name(access));
  }

  /** Stored files that its folder only links to. */
  linkedFiles(): readonly string[] {
    return this.#request.accesses.flatMap(({ direction, kind }, index) => {
      const value = this.#request.values[index];
      return kind === 'value' || writes(direction) || value?.in !== 'file' ? [] : [value.path];
    });
  }

  /** What was left at the places of written files, in order. Throws ERR_OUTPUT_MISSING, and keeps nothing then. */
  collect(): readonly FileOutput[] {
    const outputs: FileOutput[] = [];
    try {
      this.#request.accesses.forEach(({ direction }, index) => {
        if (writes(direction))
          outputs.push(this.#files.collect(index, this.#access(index), this.#name(index)) as FileOutput);
      });
      return outputs;
    } catch (error) {
      for (const { path } of outputs) rmSync(path, { recursive: true, force: true });
      throw error;
    }
  }

  #filled(value: unknown): unknown {
    if (value instanceof Place) return this.#read(value.access);
    return Array.isArray(value) ? value.map((one: unknown) => this.#filled(one)) : value;
  }

  #read(index: number): unknown {
    const { kind, direction } = this.#access(index);
    if (kind !== 'value') return this.path(index);
    const bytes = bytesOf(this.#request.values[index]);
    if (bytes !== undefined && !writes(direction)) return decode(bytes, { copy: true });
    throw new RuntimeError('ERR_PARAMETER_INVALID', {
      task: this.#request.implementation.module,
      position: index,
      reason: `a program can write files and directories, not ${direction} values`,
    });
  }

  #access(index: number): RunAccess {
    const access = this.#request.accesses[index];
    if (access === undefined) throw new RuntimeError('ERR_VALUE_MALFORMED', { reason: `there is no access ${index}` });
    const value = this.#request.values[index];
    const content = value?.in === 'file' ? ({ in: 'file', path: value.path } as const) : ({ in: 'none' } as const);
    return { direction: access.direction, kind: access.kind, content };
  }

  #name(index: number): string | undefined {
    const access = this.#request.accesses[index];
    if (access?.keepRename === true) return undefined;
    const name = access?.name ?? this.#request.names?.[index];
    return name === undefined ? undefined : basename(name);
  }
}

/** Stands for an access while the arguments are decoded. */
class Place {
  readonly access: number;

  constructor(access: number) {
    this.access = access;
  }
}

function bytesOf(value: StoredValue | undefined): Uint8Array | undefined {
  if (value?.in === 'memory') return value.bytes;
  return value?.in === 'slab' ? new Uint8Array(value.slab, value.offset, value.length) : undefined;
}
