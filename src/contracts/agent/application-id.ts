import { z } from 'zod';
import type { ApplicationId } from './model.ts';

const MAX = (1n << 63n) - 1n;
const MIN = -(1n << 63n);

/** Undefined when the text is not a signed 64-bit decimal in its shortest form. */
export function parseApplicationId(text: string): ApplicationId | undefined {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= MIN && value <= MAX ? (text as ApplicationId) : undefined;
}

/** From 64 random bits, as COMPSs does it: half of the ids are negative. */
export function makeApplicationId(bits: bigint): ApplicationId {
  return BigInt.asIntN(64, bits).toString() as ApplicationId;
}

export const applicationId = z.string().transform((text, context): ApplicationId => {
  const id = parseApplicationId(text.trim());
  if (id !== undefined) return id;
  context.addIssue({ code: 'custom', message: 'must be a signed 64-bit decimal' });
  return z.NEVER;
});
