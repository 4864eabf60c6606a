import type { CoreId, InvocationId, ResourceId, ScopeId, TaskId } from './model/ids.ts';
import { indexOf, NONE } from './model/ids.ts';

/** What the shell remembers of an attempt from launch to settlement. */
export interface InvocationRecord {
  readonly invocation: InvocationId;
  readonly task: TaskId;
  readonly scope: ScopeId;
  readonly core: CoreId;
  readonly resource: ResourceId;
  readonly launchedAt: number;
  readonly startedAt: number;
}

const FIRST_ROWS = 1024;

/**
 * Columns by the row index of the InvocationId: one write a launch, one read a settlement, nothing allocated. A row is
 * valid while its id matches; a late message about a recycled row finds another id and is ignored.
 */
export class InvocationTable {
  #id = new Float64Array(FIRST_ROWS).fill(NONE);
  #task = new Float64Array(FIRST_ROWS);
  #scope = new Float64Array(FIRST_ROWS);
  #core = new Int32Array(FIRST_ROWS);
  #resource = new Int32Array(FIRST_ROWS);
  #launchedAt = new Float64Array(FIRST_ROWS);
  #startedAt = new Float64Array(FIRST_ROWS);

  launched(
    invocation: InvocationId,
    task: TaskId,
    place: { scope: ScopeId; core: CoreId; resource: ResourceId },
    at: number,
  ): void {
    const row = indexOf(invocation);
    if (row >= this.#id.length) this.#grow(row);
    this.#id[row] = invocation;
    this.#task[row] = task;
    this.#scope[row] = place.scope;
    this.#core[row] = place.core;
    this.#resource[row] = place.resource;
    this.#launchedAt[row] = at;
    this.#startedAt[row] = at;
  }

  started(invocation: InvocationId, at: number): void {
    const row = indexOf(invocation);
    if (this.#id[row] === invocation) this.#startedAt[row] = at;
  }

  get(invocation: InvocationId): InvocationRecord | undefined {
    const row = indexOf(invocation);
    if (this.#id[row] !== invocation) return undefined;
    return {
      invocation,
      task: this.#task[row] as TaskId,
      scope: this.#scope[row] as ScopeId,
      core: this.#core[row] as CoreId,
      resource: this.#resource[row] as ResourceId,
      launchedAt: this.#launchedAt[row] as number,
      startedAt: this.#startedAt[row] as number,
    };
  }

  settled(invocation: InvocationId): void {
    const row = indexOf(invocation);
    if (this.#id[row] === invocation) this.#id[row] = NONE;
  }

  #grow(row: number): void {
    const rows = Math.max(row + 1, this.#id.length * 2);
    const used = this.#id.length;
    this.#id = grown(this.#id, new Float64Array(rows)).fill(NONE, used);
    this.#task = grown(this.#task, new Float64Array(rows));
    this.#scope = grown(this.#scope, new Float64Array(rows));
    this.#core = grown(this.#core, new Int32Array(rows));
    this.#resource = grown(this.#resource, new Int32Array(rows));
    this.#launchedAt = grown(this.#launchedAt, new Float64Array(rows));
    this.#startedAt = grown(this.#startedAt, new Float64Array(rows));
  }
}

function grown<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
