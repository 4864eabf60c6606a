import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createObjectStore, type SlabStore } from '../../src/runtime/data/object-store.ts';
import { decode, encode } from '../../src/runtime/data/value-codec.ts';
import type { Access, Direction } from '../../src/runtime/model/access.ts';
import type { Language } from '../../src/runtime/model/core-element.ts';
import type { CoreId, Handle, InvocationId, TaskId, VersionId } from '../../src/runtime/model/ids.ts';
import type { InvocationOutcome } from '../../src/runtime/model/outcome.ts';
import type { ExecutionRequest, ExecutorHost, Scope, StoredValue } from '../../src/runtime/ports.ts';

/** What a test says of an attempt; the rest is filled in. */
export interface AttemptOf {
  readonly method: string;
  readonly args?: readonly unknown[];
  readonly module?: string;
  readonly returns?: number;
  readonly cpus?: number;
  readonly timeOutMs?: number;
  readonly preserveInputs?: boolean;
  readonly accesses?: readonly Access[];
  /** Versions read, parallel to `accesses`. */
  readonly inputs?: readonly (VersionId | undefined)[];
  readonly refs?: (value: object) => number;
}

/** Stands for access `index` in an argument list. */
export class Mark {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** `AttemptOf.refs` for marks. */
export const refsOfMarks = (value: object): number => (value instanceof Mark ? value.index : -1);

export const fileAccess = (direction: Direction, name: string): Access => ({
  handle: 0 as Handle,
  direction,
  kind: 'file',
  name,
});

/** Where an executor finds the functions of the suite. */
export interface TestLanguage {
  readonly language: Language;
  readonly module: string;
}

function bytesOf(stored: StoredValue): Uint8Array {
  if (stored.in === 'memory') return stored.bytes;
  if (stored.in === 'slab') return new Uint8Array(stored.slab, stored.offset, stored.length);
  return readFileSync(stored.path);
}

/** A host over a real store that remembers what it was told. */
export class TestExecutorHost implements ExecutorHost {
  readonly #language: TestLanguage;
  readonly store: SlabStore = createObjectStore({ limitBytes: 256 * 2 ** 20 });
  readonly outcomes = new Map<InvocationId, InvocationOutcome>();
  readonly printed = new Map<InvocationId, { stdout: string; stderr: string }>();
  readonly startedOnes: InvocationId[] = [];
  readonly #events = new EventEmitter().setMaxListeners(0);
  #next = 0;
  #versions = 0;

  constructor(language: TestLanguage = { language: 'JS', module: 'tasks.mjs' }) {
    this.#language = language;
  }

  started(invocation: InvocationId): void {
    this.startedOnes.push(invocation);
    this.#events.emit('change');
  }

  settled(invocation: InvocationId, outcome: InvocationOutcome): void {
    if (this.outcomes.has(invocation)) throw new Error(`attempt ${invocation} settled twice`);
    this.outcomes.set(invocation, outcome);
    this.#events.emit('change');
  }

  suspended(): void {
    throw new Error('no attempt of this test waits for tasks');
  }

  resumeRequested(): void {
    throw new Error('no attempt of this test waits for tasks');
  }

  output(invocation: InvocationId, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const printed = this.printed.get(invocation) ?? { stdout: '', stderr: '' };
    printed[stream] += Buffer.from(chunk).toString();
    this.printed.set(invocation, printed);
    this.#events.emit('change');
  }

  scope(): Scope {
    throw new Error('no attempt of this test submits tasks');
  }

  newVersion(value: unknown): VersionId {
    const version = this.#versions++ as VersionId;
    const bytes = encode(value);
    if (bytes.length <= 65_536) {
      this.store.putInline(version, bytes);
    } else {
      const reservation = this.store.reserve(bytes.length);
      new Uint8Array(reservation.slab, reservation.offset, bytes.length).set(bytes);
      this.store.seal(version, reservation, bytes.length);
    }
    return version;
  }

  attempt(of: AttemptOf): ExecutionRequest {
    const accesses = of.accesses ?? [];
    const written = accesses.filter(({ direction }) => direction !== 'IN').length;
    const inputs = accesses.map((_, index) => of.inputs?.[index]);
    const cpus = of.cpus ?? 1;
    return {
      invocation: this.#next++ as InvocationId,
      task: this.#next as TaskId,
      attempt: 1,
      core: 0 as CoreId,
      signature: `${this.#language.module}#${of.method}`,
      implementation: { ...this.#language, module: of.module ?? this.#language.module, method: of.method },
      booking: { cpus, gpus: 0, fpgas: 0, memoryGb: 0 },
      args: encode(of.args ?? [], of.refs === undefined ? {} : { refs: of.refs }),
      accesses,
      inputs: inputs.map((version) => version ?? (-1 as VersionId)),
      values: inputs.map((version) => (version === undefined ? undefined : this.store.acquire(version))),
      outputs: Array.from({ length: written + (of.returns ?? 1) }, () => this.#versions++ as VersionId),
      preserveInputs: of.preserveInputs ?? true,
      gpus: [],
      fpgas: [],
      workingDir: '.',
      ...(of.timeOutMs === undefined ? {} : { timeOutMs: of.timeOutMs }),
    };
  }

  async outcome({ invocation }: ExecutionRequest): Promise<InvocationOutcome> {
    for (;;) {
      const outcome = this.outcomes.get(invocation);
      if (outcome !== undefined) return outcome;
      await once(this.#events, 'change');
    }
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#events, 'change');
  }

  /** The value of one output, copied. */
  value(request: ExecutionRequest, index = 0): unknown {
    const version = request.outputs[index] as VersionId;
    const stored = this.store.acquire(version);
    try {
      if (stored === undefined || (stored.in === 'file' && stored.encoded !== true)) return undefined;
      const bytes = bytesOf(stored);
      return decode(bytes, { copy: true });
    } finally {
      if (stored !== undefined) this.store.release(version);
    }
  }

  /** Frees everything; what is left then was leaked. */
  async close(requests: readonly ExecutionRequest[]): Promise<{ versions: number; regionBytes: number }> {
    for (const { inputs, values } of requests) {
      inputs.forEach((version, index) => {
        if (values[index] !== undefined) this.store.release(version);
      });
    }
    for (let version = 0; version < this.#versions; version++) this.store.free(version as VersionId);
    const { versions, regionBytes } = this.store.stats();
    await this.store[Symbol.asyncDispose]();
    return { versions, regionBytes };
  }
}
