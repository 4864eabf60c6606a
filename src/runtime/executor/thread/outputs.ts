import { RuntimeError } from '../../../common/errors.ts';
import { EncodingStopped } from '../../data/value-codec.ts';
import { writes } from '../../model/access.ts';
import { ContentEncoder } from '../../program/content-encoder.ts';
import { Future } from '../../program/future.ts';
import type { ProgramReservation } from '../../program/link.ts';
import type { ThreadOutput } from '../outcome-record.ts';
import type { Inputs } from './inputs.ts';
import type { Slabs } from './slabs.ts';

/** Raised while a result is encoded that holds futures: their values must come first. */
export class HoldsFutures extends EncodingStopped {}

const NO_OUTPUTS: readonly ThreadOutput[] = [];
const OPTIONS = { refs: refuseFutures };

/** Turns what an attempt leaves into outputs. */
export class Outputs {
  readonly #encoder: ContentEncoder;

  constructor(slabs: Slabs) {
    this.#encoder = new ContentEncoder((bytes) => slabs.reserve(bytes));
  }

  /**
   * In report order: written accesses, then returns. `regions` are the attempt's reservations; those that an output
   * uses are taken out of the list.
   */
  collect(inputs: Inputs, returns: number, result: unknown, regions: ProgramReservation[]): readonly ThreadOutput[] {
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

  #encode(value: unknown, regions: ProgramReservation[]): ThreadOutput {
    if (value instanceof Future) return { as: 'delegated', handle: value.handle };
    const content = this.#encoder.encode(value, regions, OPTIONS);
    if (content.from === 'inline') return { as: 'inline', bytes: content.bytes };
    return { as: 'reservation', id: content.reservation.id, length: content.length };
  }
}

function refuseFutures(value: object): number {
  if (value instanceof Future) throw new HoldsFutures();
  return -1;
}

function parts(result: unknown, returns: number): readonly unknown[] {
  if (Array.isArray(result) && result.length === returns) return result;
  const found = Array.isArray(result) ? String(result.length) : 'no array of';
  throw new RuntimeError('ERR_RETURN_COUNT', { returns, found });
}
