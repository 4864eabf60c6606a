import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { RuntimeError } from '../../../common/errors.ts';
import { decode } from '../../data/value-codec.ts';
import { writes } from '../../model/access.ts';
import { OutPlace } from '../out-place.ts';
import { RUN_FLAG, type ThreadReservation } from '../protocol.ts';
import type { RunAccess, RunRecord } from '../run-record.ts';
import { TaskFiles } from './files.ts';
import type { Slabs } from './slabs.ts';

const NO_ARGUMENTS: unknown[] = [];

interface Checked {
  readonly access: number;
  readonly bytes: Uint8Array;
  readonly sum: number;
}

/**
 * The data of one attempt. Readers get views on shared memory, writers a copy of their own: in a fresh region, so that
 * it can become the new version where it lies. Everything is valid only while the attempt runs.
 */
export class Inputs {
  readonly #record: RunRecord;
  readonly #slabs: Slabs;
  readonly #check: boolean;
  readonly #values: unknown[] = [];
  readonly #present: boolean[] = [];
  readonly #checked: Checked[] = [];
  /** Regions that hold the private copies of written accesses. */
  readonly regions: ThreadReservation[] = [];
  #files: TaskFiles | undefined;

  constructor(record: RunRecord, slabs: Slabs, check: boolean) {
    this.#record = record;
    this.#slabs = slabs;
    this.#check = check;
  }

  /** The argument list with data in the places of their references. */
  decodeArguments(): unknown[] {
    const { args, accesses } = this.#record;
    if (args.length === 0) return NO_ARGUMENTS;
    if (accesses.length === 0) return asList(decode(args, { copy: true }));
    const list = asList(decode(args, { copy: true, resolveRef: (index) => this.value(index) }));
    const outs = accesses.some((access) => access.direction === 'OUT' && access.kind === 'value');
    return outs ? (this.#fillPlaces(list) as unknown[]) : list;
  }

  get accesses(): readonly RunAccess[] {
    return this.#record.accesses;
  }

  get files(): TaskFiles {
    this.#files ??= new TaskFiles(this.#record.extra?.workingDir ?? '.');
    return this.#files;
  }

  fileName(index: number): string | undefined {
    return this.#record.extra?.names?.[index];
  }

  value(index: number): unknown {
    if (this.#present[index] !== true) {
      this.#values[index] = this.#read(index);
      this.#present[index] = true;
    }
    return this.#values[index];
  }

  /** Throws ERR_INPUT_MODIFIED for the first reader's buffer that is not what it was. */
  verify(task: string, signature: string): void {
    for (const { access, bytes, sum } of this.#checked) {
      if (crc32(bytes) !== sum) throw new RuntimeError('ERR_INPUT_MODIFIED', { task, signature, parameter: access });
    }
  }

  #read(index: number): unknown {
    const access = this.#record.accesses[index];
    if (access === undefined) throw new RuntimeError('ERR_VALUE_MALFORMED', { reason: `there is no access ${index}` });
    if (access.kind !== 'value') return this.files.present(index, access, this.fileName(index));
    const { content } = access;
    switch (content.in) {
      case 'memory':
        return this.#decode(index, access, content.bytes);
      case 'slab':
        return this.#decode(index, access, this.#slabs.region(content.slab, content.offset, content.length));
      case 'file':
        return this.#decode(index, access, readFileSync(content.path));
      default:
        return undefined;
    }
  }

  #decode(index: number, access: RunAccess, bytes: Uint8Array): unknown {
    const shared = bytes.buffer instanceof SharedArrayBuffer;
    if (writes(access.direction)) return shared ? this.#privateCopy(bytes) : decode(bytes, { copy: true });
    if (!this.#check) return decode(bytes, { copy: !shared });
    const watched = shared ? bytes : new Uint8Array(bytes);
    this.#checked.push({ access: index, bytes: watched, sum: crc32(watched) });
    return decode(watched, { copy: false });
  }

  #privateCopy(bytes: Uint8Array): unknown {
    const region = this.#slabs.reserve(bytes.length);
    this.regions.push(region);
    const copy = new Uint8Array(region.slab, region.offset, bytes.length);
    copy.set(bytes);
    return decode(copy, { copy: false });
  }

  /** Replaces OutPlaces by the empty objects that the task fills; the argument list is our own copy. */
  #fillPlaces(value: unknown): unknown {
    if (value instanceof OutPlace) {
      if (this.#present[value.access] !== true) {
        this.#values[value.access] = value.create();
        this.#present[value.access] = true;
      }
      return this.#values[value.access];
    }
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) value[i] = this.#fillPlaces(value[i]);
    } else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
      const record = value as Record<string, unknown>;
      for (const key of Object.keys(record)) record[key] = this.#fillPlaces(record[key]);
    }
    return value;
  }

  get inPlace(): boolean {
    return (this.#record.flags & RUN_FLAG.IN_PLACE) !== 0;
  }
}

function asList(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new RuntimeError('ERR_VALUE_MALFORMED', { reason: 'the arguments are not a list' });
}
