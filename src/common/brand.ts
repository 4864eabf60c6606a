declare const brand: unique symbol;

/** A number or string that cannot be mixed up with another one: `Brand<number, 'TaskId'>`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Milliseconds. Wall-clock or monotonic as the field says; never seconds. */
export type Millis = Brand<number, 'Millis'>;

export const millis = (value: number): Millis => value as Millis;
