import { DIRECTIONS } from '../model/access.ts';
import type { CoreState } from './state.ts';

/** FNV-1a in two lanes that start apart, joined to 53 bits: enough to notice that arguments differ. */
class Digest {
  #high = 0x811c9dc5;
  #low = 0x9747b28c;

  byte(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193);
    this.#low = Math.imul(this.#low ^ value, 0x85ebca6b);
  }

  number(value: number): void {
    this.byte(value & 255);
    this.byte((value >>> 8) & 255);
    this.byte((value >>> 16) & 255);
    this.byte((value >>> 24) & 255);
  }

  get value(): number {
    return (this.#high >>> 11) * 2 ** 32 + (this.#low >>> 0);
  }
}

/** Of what is called, the literal arguments and the accesses by the submitter's own names, which are the same when it submits again. */
export function digestOf(state: CoreState, task: number): number {
  const spec = state.tasks.spec[task]!;
  const digest = new Digest();
  const signature = state.signature(task);
  for (let index = 0; index < signature.length; index++) digest.byte(signature.charCodeAt(index) & 255);
  if (spec.args !== undefined) for (const byte of spec.args) digest.byte(byte);
  for (const { handle, direction } of spec.accesses) {
    digest.number(handle);
    digest.byte(DIRECTIONS.indexOf(direction));
  }
  digest.number(spec.returns.length);
  return digest.value;
}
