import type { ErrorInfo } from '../../common/errors.ts';
import { type FrameWriter, SECTION } from '../../contracts/agent-link/frame.ts';
import { SettledEncoder, type SettledStatus } from '../../contracts/agent-link/settled-batch.ts';
import type { OutSection } from '../../offloader/grpc-agent/reliable-channel.ts';
import type { Handle, VersionId } from '../../runtime/model/ids.ts';
import type { ObjectStore } from '../../runtime/ports.ts';

export interface FinishedOutput {
  /** This agent's own id. */
  readonly local: VersionId;
  readonly bytes: number;
  /** Set: the value travels, and the handle is let go of afterwards. */
  readonly inline?: Handle;
}

export interface Finished {
  readonly invocation: number;
  readonly status: SettledStatus;
  readonly outputs: readonly FinishedOutput[];
  readonly error?: ErrorInfo;
  readonly reason?: string;
  readonly ranMs?: number;
}

export interface SettledContext {
  readonly store: ObjectStore;
  letGo(handle: Handle): void;
}

const encoder = new SettledEncoder();

/** Outcomes in the order they came. Values are read from the store only when they are written. */
export class SettledSection implements OutSection {
  readonly #context: SettledContext;
  readonly #finished: Finished[] = [];
  #next = 0;

  constructor(context: SettledContext) {
    this.#context = context;
  }

  add(finished: Finished): void {
    this.#finished.push(finished);
  }

  write(frame: FrameWriter, limit: number): boolean {
    encoder.clear();
    do {
      this.#one(this.#finished[this.#next++] as Finished);
    } while (this.#next < this.#finished.length && frame.size + encoder.estimate < limit);
    frame.batch(SECTION.settled, encoder);
    return this.#next >= this.#finished.length;
  }

  #one(finished: Finished): void {
    const { invocation, status, outputs, error, reason, ranMs } = finished;
    const values = outputs.map((output) => (output.inline === undefined ? undefined : this.#value(output.local)));
    if (outputs.some((output, index) => output.inline !== undefined && values[index] === undefined)) {
      encoder.settled(invocation, 'lost', 0);
      encoder.wrong(undefined, 'an output was lost before it could be sent');
    } else {
      encoder.settled(invocation, status, outputs.length, ranMs);
      for (const [index, output] of outputs.entries()) {
        const value = values[index];
        if (value === undefined) encoder.stays(output.bytes);
        else encoder.inline(value);
      }
      if (error !== undefined || reason !== undefined) encoder.wrong(error, reason ?? '');
    }
    for (const [index, output] of outputs.entries()) {
      if (values[index] !== undefined) this.#context.store.release(output.local);
      if (output.inline !== undefined) this.#context.letGo(output.inline);
    }
  }

  #value(local: VersionId): Uint8Array | undefined {
    const value = this.#context.store.acquire(local);
    if (value?.in === 'memory') return value.bytes;
    if (value?.in === 'slab') return new Uint8Array(value.slab, value.offset, value.length);
    if (value !== undefined) this.#context.store.release(local);
    return undefined;
  }
}
