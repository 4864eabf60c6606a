import { RuntimeError } from '../../../common/errors.ts';

const MOST_REPORTED = 20;

/** Gathers everything that is wrong with a descriptor, so that its author is told once and not once per mistake. */
export class Issues {
  readonly #found: { readonly field: string; readonly reason: string }[] = [];

  add(field: string, reason: string): void {
    if (this.#found.length < MOST_REPORTED) this.#found.push({ field, reason });
  }

  throwIfAny(): void {
    const [first, ...others] = this.#found;
    if (first === undefined) return;
    const more = others.map((issue) => `; ${issue.field}: ${issue.reason}`).join('');
    throw new RuntimeError('ERR_DESCRIPTOR_INVALID', { field: first.field, reason: first.reason + more });
  }
}

export const invalidDescriptor = (field: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_DESCRIPTOR_INVALID', { field, reason });
