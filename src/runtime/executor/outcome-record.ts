import type { ErrorInfo } from '../../common/errors.ts';
import { decode, encode } from '../data/value-codec.ts';
import type { Handle } from '../model/ids.ts';
import type { BatchReader, BatchWriter } from './batch.ts';
import { FROM_THREAD, OUTPUT, STATUS } from './protocol.ts';

/** One output of an attempt as its thread reports it. */
export type ThreadOutput =
  | { readonly as: 'inline'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The first `length` bytes of a reservation of this thread. */
  | { readonly as: 'reservation'; readonly id: number; readonly length: number }
  | { readonly as: 'file'; readonly path: string; readonly length: number }
  | { readonly as: 'delegated'; readonly handle: Handle };

export type ThreadOutcome =
  | { readonly status: typeof STATUS.COMPLETED; readonly outputs: readonly ThreadOutput[] }
  | { readonly status: typeof STATUS.EXCEPTION; readonly error: ErrorInfo; readonly outputs: readonly ThreadOutput[] }
  | { readonly status: typeof STATUS.FAILED; readonly error: ErrorInfo }
  /** It ended with an error after its signal was aborted. */
  | { readonly status: typeof STATUS.CANCELLED };

const NO_OUTPUTS: readonly ThreadOutput[] = [];
export const COMPLETED_EMPTY: ThreadOutcome = { status: STATUS.COMPLETED, outputs: NO_OUTPUTS };

export function writeOutcome(batch: BatchWriter, slot: number, outcome: ThreadOutcome, ranMs: number): void {
  batch.word(FROM_THREAD.SETTLED);
  batch.word(slot);
  batch.word(outcome.status);
  batch.word(ranMs);
  if ('error' in outcome) batch.bytes(encode(outcome.error));
  if ('outputs' in outcome) writeOutputs(batch, outcome.outputs);
}

/** After slot and before anything else of the record has been read. */
export function readOutcome(batch: BatchReader): { readonly outcome: ThreadOutcome; readonly ranMs: number } {
  const status = batch.word();
  const ranMs = batch.word();
  switch (status) {
    case STATUS.COMPLETED: {
      const outputs = readOutputs(batch);
      return { outcome: outputs.length === 0 ? COMPLETED_EMPTY : { status, outputs }, ranMs };
    }
    case STATUS.EXCEPTION:
      return { outcome: { status, error: readError(batch), outputs: readOutputs(batch) }, ranMs };
    case STATUS.FAILED:
      return { outcome: { status, error: readError(batch) }, ranMs };
    default:
      return { outcome: { status: STATUS.CANCELLED }, ranMs };
  }
}

const readError = (batch: BatchReader): ErrorInfo => decode(batch.view(), { copy: true }) as ErrorInfo;

function writeOutputs(batch: BatchWriter, outputs: readonly ThreadOutput[]): void {
  batch.word(outputs.length);
  for (const output of outputs) {
    switch (output.as) {
      case 'inline':
        batch.word(OUTPUT.INLINE);
        batch.bytes(output.bytes);
        break;
      case 'reservation':
        batch.word(OUTPUT.RESERVATION);
        batch.word(output.id);
        batch.word(output.length);
        break;
      case 'file':
        batch.word(OUTPUT.FILE);
        batch.text(output.path);
        batch.word(output.length);
        break;
      case 'delegated':
        batch.word(OUTPUT.DELEGATED);
        batch.word(output.handle);
        break;
    }
  }
}

function readOutputs(batch: BatchReader): readonly ThreadOutput[] {
  const count = batch.word();
  if (count === 0) return NO_OUTPUTS;
  const outputs: ThreadOutput[] = [];
  for (let i = 0; i < count; i++) outputs.push(readOutput(batch));
  return outputs;
}

function readOutput(batch: BatchReader): ThreadOutput {
  switch (batch.word()) {
    case OUTPUT.INLINE:
      return { as: 'inline', bytes: batch.bytes() };
    case OUTPUT.RESERVATION:
      return { as: 'reservation', id: batch.word(), length: batch.word() };
    case OUTPUT.FILE:
      return { as: 'file', path: batch.text(), length: batch.word() };
    default:
      return { as: 'delegated', handle: batch.word() as Handle };
  }
}
