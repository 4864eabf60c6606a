import { type EncodeOptions, measured } from '../data/value-codec.ts';
import { alignBuffer, FRAME_ENTRY_BYTES, FRAME_HEADER_BYTES } from '../data/value-format.ts';
import { ValueWriter } from '../data/value-writer.ts';
import { INLINE_BYTES } from '../ports.ts';
import type { LinkContent, ProgramReservation } from './link.ts';

export type ValueContent = Extract<LinkContent, { readonly from: 'inline' | 'reservation' }>;

/** Room before the data of a shared array, for the head of the value that it becomes part of. */
export const HEAD_ROOM = alignBuffer(FRAME_HEADER_BYTES + 8 * FRAME_ENTRY_BYTES + 256);

/**
 * Encodes values for the object store: small ones as bytes, larger ones written into shared memory once, and what lies
 * in a region of the program's own is sealed where it is, without a copy.
 */
export class ContentEncoder {
  readonly #writer = new ValueWriter();
  readonly #reserve: (bytes: number) => ProgramReservation;

  constructor(reserve: (bytes: number) => ProgramReservation) {
    this.#reserve = reserve;
  }

  /** `regions`: what the program has reserved; a region that the value takes over is removed from the list. */
  encode(value: unknown, regions: ProgramReservation[], options: EncodeOptions = {}): ValueContent {
    const writer = this.#writer;
    try {
      const size = measured(writer, value, options);
      const inPlace = writer.buffers.length > 0 && regions.length > 0 ? this.#sealInPlace(regions) : undefined;
      if (inPlace !== undefined) return inPlace;
      if (size <= INLINE_BYTES) {
        const bytes = new Uint8Array(size);
        writer.copyTo(bytes);
        return { from: 'inline', bytes };
      }
      const reservation = this.#reserve(size);
      writer.copyTo(bytesOf(reservation));
      return { from: 'reservation', reservation, length: size };
    } finally {
      writer.reset();
    }
  }

  /** When every buffer lies in one region and the head fits before them. */
  #sealInPlace(regions: ProgramReservation[]): ValueContent | undefined {
    const { buffers, headLength } = this.#writer;
    const position = regions.findIndex((region) => buffers.every((buffer) => lies(buffer, region)));
    if (position < 0) return undefined;
    const reservation = regions[position]!;
    const offsets = buffers.map((buffer) => buffer.byteOffset - reservation.offset);
    const headEnd = FRAME_HEADER_BYTES + buffers.length * FRAME_ENTRY_BYTES + headLength;
    if (headEnd > Math.min(...offsets)) return undefined;
    this.#writer.copyHead(bytesOf(reservation), 0, offsets);
    regions.splice(position, 1);
    const length = Math.max(...buffers.map((buffer, i) => offsets[i]! + buffer.byteLength));
    return { from: 'reservation', reservation, length };
  }
}

const bytesOf = ({ slab, offset, length }: ProgramReservation): Uint8Array => new Uint8Array(slab, offset, length);

function lies(buffer: Uint8Array, region: ProgramReservation): boolean {
  return (
    buffer.buffer === region.slab &&
    buffer.byteOffset >= region.offset &&
    buffer.byteOffset + buffer.byteLength <= region.offset + region.length
  );
}
