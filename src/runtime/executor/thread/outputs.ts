import { RuntimeError } from '../../../common/errors.ts';
import { EncodingStopped, measured } from '../../data/value-codec.ts';
import { alignBuffer, FRAME_ENTRY_BYTES, FRAME_HEADER_BYTES } from '../../data/value-format.ts';
import { ValueWriter } from '../../data/value-writer.ts';
import { writes } from '../../model/access.ts';
import { INLINE_BYTES } from '../../ports.ts';
import { Future } from '../../program/future.ts';
import type { ThreadOutput } from '../outcome-record.ts';
import type { ThreadReservation } from '../protocol.ts';
import type { Inputs } from './inputs.ts';
import type { Slabs } from './slabs.ts';

/** Raised while a result is encoded that holds futures: their values must come first. */
export class HoldsFutures extends EncodingStopped {}

const NO_OUTPUTS: readonly ThreadOutput[] = [];

/**
 * Turns what an attempt leaves into outputs: small values as bytes, larger ones written into shared memory, and what
 * already lies in a region of the attempt's own sealed where it is.
 */
export class Outputs {
  readonly #slabs: Slabs;
  readonly #writer = new ValueWriter();

  constructor(slabs: Slabs) {
    this.#slabs = slabs;
  }

  /**
   * In report order: written accesses, then returns. `regions` are the attempt's reservations; those that an output
   * uses are taken out of the list.
   */
  collect(inputs: Inputs, returns: number, result: unknown, regions: ThreadReservation[]): readonly ThreadOutput[] {
    const { accesses } = inputs;
    if (returns === 0 && accesses.length === 0) return NO_OUTPUTS;
    const outputs: ThreadOutput[] = [];
    for (let index = 0; index < accesses.length; index++) {
      const access = accesses[index]!;
      if (!writes(access.direction)) continue;
      outputs.push(
        access.kind === 'value'
          ? this.#encode(inputs.value(index), regions)
          : inputs.files.collect(index, access, inputs.fileName(index)),
      );
    }
    if (returns === 1) outputs.push(this.#encode(result, regions));
    else if (returns > 1) for (const part of parts(result, returns)) outputs.push(this.#encode(part, regions));
    return outputs;
  }

  #encode(value: unknown, regions: ThreadReservation[]): ThreadOutput {
    if (value instanceof Future) return { as: 'delegated', handle: value.handle };
    const writer = this.#writer;
    try {
      const size = measured(writer, value, { refs: refuseFutures });
      const found = writer.buffers.length > 0 ? this.#sealInPlace(regions) : undefined;
      if (found !== undefined) return found;
      if (size <= INLINE_BYTES) {
        const bytes = new Uint8Array(size);
        writer.copyTo(bytes);
        return { as: 'inline', bytes };
      }
      const region = this.#slabs.reserve(size);
      writer.copyTo(new Uint8Array(region.slab, region.offset, region.length));
      return { as: 'reservation', id: region.id, length: size };
    } finally {
      writer.reset();
    }
  }

  /** When every buffer lies in one region of the attempt and the head fits before them: no byte of data is copied. */
  #sealInPlace(regions: ThreadReservation[]): ThreadOutput | undefined {
    const { buffers, headLength } = this.#writer;
    const slab = buffers[0]!.buffer;
    const position = regions.findIndex((region) => region.slab === slab && buffers.every((one) => lies(one, region)));
    if (position < 0) return undefined;
    const region = regions[position]!;
    const offsets = buffers.map((buffer) => buffer.byteOffset - region.offset);
    const headEnd = FRAME_HEADER_BYTES + buffers.length * FRAME_ENTRY_BYTES + headLength;
    if (headEnd > Math.min(...offsets)) return undefined;
    this.#writer.copyHead(new Uint8Array(region.slab, region.offset, region.length), 0, offsets);
    regions.splice(position, 1);
    const length = Math.max(...buffers.map((buffer, i) => offsets[i]! + buffer.byteLength));
    return { as: 'reservation', id: region.id, length };
  }
}

/** Room before the data of a shared array, for the head of the value that it will be part of. */
export const HEAD_ROOM = alignBuffer(FRAME_HEADER_BYTES + 8 * FRAME_ENTRY_BYTES + 256);

function lies(buffer: Uint8Array, region: ThreadReservation): boolean {
  return (
    buffer.buffer === region.slab &&
    buffer.byteOffset >= region.offset &&
    buffer.byteOffset + buffer.byteLength <= region.offset + region.length
  );
}

function refuseFutures(value: object): number {
  if (value instanceof Future) throw new HoldsFutures();
  return -1;
}

function parts(result: unknown, returns: number): readonly unknown[] {
  if (Array.isArray(result) && result.length === returns) return result;
  const found = Array.isArray(result) ? `an array of ${result.length}` : typeof result;
  throw new RuntimeError('ERR_RETURN_COUNT', { returns, found });
}
