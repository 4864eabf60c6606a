import type { CoreId, InvocationId, ResourceId, ScopeId, TaskId } from '../../runtime/model/ids.ts';
import { indexOf } from '../../runtime/model/ids.ts';

const STATUSES = ['running', 'completed', 'exception', 'failed', 'lost', 'cancelled', 'recalled'] as const;
export type AttemptStatus = (typeof STATUSES)[number];

/** A past or present attempt, as the exports need it. */
export interface AttemptRecord {
  readonly task: TaskId;
  readonly attempt: number;
  readonly core: CoreId;
  readonly resource: ResourceId;
  readonly application: ScopeId;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly status: AttemptStatus;
}

/**
 * The last `size` attempts in a ring of columns: two writes an attempt, nothing allocated. Times are wall-clock
 * milliseconds; an attempt that has not been reported started counts from its launch.
 */
export class Timeline {
  readonly #size: number;
  readonly #task: Float64Array;
  readonly #attempt: Uint16Array;
  readonly #core: Int32Array;
  readonly #resource: Int32Array;
  readonly #application: Float64Array;
  readonly #startedAt: Float64Array;
  readonly #endedAt: Float64Array;
  readonly #status: Uint8Array;
  readonly #invocation: Float64Array;
  /** Ring position of a live attempt, by the row index of its InvocationId. */
  #positions = new Int32Array(1024);
  #next = 0;
  #count = 0;

  constructor(size: number) {
    this.#size = size;
    this.#task = new Float64Array(size);
    this.#attempt = new Uint16Array(size);
    this.#core = new Int32Array(size);
    this.#resource = new Int32Array(size);
    this.#application = new Float64Array(size);
    this.#startedAt = new Float64Array(size);
    this.#endedAt = new Float64Array(size);
    this.#status = new Uint8Array(size);
    this.#invocation = new Float64Array(size).fill(-1);
  }

  launched(
    invocation: InvocationId,
    of: Pick<AttemptRecord, 'task' | 'attempt' | 'core' | 'resource' | 'application'>,
    at: number,
  ): void {
    const row = indexOf(invocation);
    if (row >= this.#positions.length) {
      const grown = new Int32Array(Math.max(row + 1, this.#positions.length * 2));
      grown.set(this.#positions);
      this.#positions = grown;
    }
    const position = this.#next;
    this.#next = (position + 1) % this.#size;
    this.#count = Math.min(this.#size, this.#count + 1);
    this.#positions[row] = position;
    this.#invocation[position] = invocation;
    this.#task[position] = of.task;
    this.#attempt[position] = of.attempt;
    this.#core[position] = of.core;
    this.#resource[position] = of.resource;
    this.#application[position] = of.application;
    this.#startedAt[position] = at;
    this.#endedAt[position] = 0;
    this.#status[position] = 0;
  }

  started(invocation: InvocationId, at: number): void {
    const position = this.#position(invocation);
    if (position >= 0) this.#startedAt[position] = at;
  }

  /** `ranMs`, where the executor measured it, is nearer to the truth than the time of the report. */
  settled(invocation: InvocationId, status: AttemptStatus, at: number, ranMs?: number): void {
    const position = this.#position(invocation);
    if (position < 0) return;
    this.#endedAt[position] = at;
    this.#status[position] = STATUSES.indexOf(status);
    if (ranMs !== undefined) this.#startedAt[position] = Math.max(this.#startedAt[position] as number, at - ranMs);
  }

  /** Attempts of an application in the order they were launched. */
  attempts(application: ScopeId): AttemptRecord[] {
    const found: AttemptRecord[] = [];
    for (let age = this.#count; age > 0; age--) {
      const position = (this.#next - age + this.#size) % this.#size;
      if (this.#application[position] === application) found.push(this.#record(position));
    }
    return found;
  }

  #record(position: number): AttemptRecord {
    const endedAt = this.#endedAt[position] as number;
    return {
      task: this.#task[position] as TaskId,
      attempt: this.#attempt[position] as number,
      core: this.#core[position] as CoreId,
      resource: this.#resource[position] as ResourceId,
      application: this.#application[position] as ScopeId,
      startedAt: this.#startedAt[position] as number,
      endedAt: endedAt === 0 ? undefined : endedAt,
      status: STATUSES[this.#status[position] as number] as AttemptStatus,
    };
  }

  #position(invocation: InvocationId): number {
    const position = this.#positions[indexOf(invocation)] ?? 0;
    return this.#invocation[position] === invocation ? position : -1;
  }
}
