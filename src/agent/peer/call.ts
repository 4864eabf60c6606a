import type { DatumKind } from '../../runtime/model/access.ts';
import type { Handle } from '../../runtime/model/ids.ts';
import type { HeldVersion } from './peer-data.ts';

/** An output of a call: the caller's version and the datum it is bound to here. */
export interface CallOutput {
  readonly version: number;
  readonly handle: Handle;
  readonly kind: DatumKind;
  /** Shared by the members of a CONCURRENT group, or updated in place: the handle lives on. */
  readonly shared: boolean;
  /** The caller's version that the handle named before. */
  readonly replaces?: number;
}

/** A launch of the caller as a task of this agent. */
export interface Call {
  readonly invocation: number;
  readonly seq: number;
  readonly outputs: CallOutput[];
  /** Inputs for this call alone. */
  readonly passing: Handle[];
  /** Inputs that the caller does not yet know to be here. */
  readonly unreported: HeldVersion[];
  /** Its code has begun. */
  started: boolean;
  recalled: boolean;
  ended: boolean;
}

/** Calls that have not been answered, by both of their names: the caller's and that of the scope. */
export class Calls {
  readonly #byInvocation = new Map<number, Call>();
  readonly #bySeq = new Map<number, Call>();
  #next = 0;

  get size(): number {
    return this.#bySeq.size;
  }

  /** Takes part from `add` on; until then its place in the order of submission is not used up. */
  draft(invocation: number): Call {
    return {
      invocation,
      seq: this.#next,
      outputs: [],
      passing: [],
      unreported: [],
      started: false,
      recalled: false,
      ended: false,
    };
  }

  add(call: Call): void {
    this.#next = call.seq + 1;
    this.#byInvocation.set(call.invocation, call);
    this.#bySeq.set(call.seq, call);
  }

  launched(invocation: number): Call | undefined {
    return this.#byInvocation.get(invocation);
  }

  submitted(seq: number): Call | undefined {
    return this.#bySeq.get(seq);
  }

  remove(call: Call): void {
    this.#bySeq.delete(call.seq);
    this.#byInvocation.delete(call.invocation);
  }

  /** Whether a call that has not been answered waits to report the version. */
  awaits(held: HeldVersion): boolean {
    for (const call of this.#bySeq.values()) if (call.unreported.includes(held)) return true;
    return false;
  }

  clear(): void {
    this.#byInvocation.clear();
    this.#bySeq.clear();
  }
}
