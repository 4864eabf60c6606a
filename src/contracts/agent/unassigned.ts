/** COMPSs writes "not given" as -1, -1.0 or `[unassigned]`; here such a field is absent. */
import { z } from 'zod';

export const UNASSIGNED_TEXT = '[unassigned]';

/** Text, absent when empty or unassigned. */
export const optionalText = z
  .string()
  .nullish()
  .transform((text) => (text === '' || text === UNASSIGNED_TEXT ? undefined : (text ?? undefined)));

/** A number from 0 up, absent when -1. */
const optionalAmount = z
  .number()
  .refine((value) => value >= 0 || value === -1, 'must not be negative (-1 means not given)')
  .nullish()
  .transform((value) => (value === -1 ? undefined : (value ?? undefined)));

/** An integer from 0 up, absent when -1. */
const optionalCount = z
  .int()
  .min(-1, 'must not be negative (-1 means not given)')
  .nullish()
  .transform((value) => (value === -1 ? undefined : (value ?? undefined)));

export { optionalAmount, optionalCount };

/** The object without its absent fields: `exactOptionalPropertyTypes` tells them from `undefined`. */
export function present<T extends object>(
  fields: T,
): { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
