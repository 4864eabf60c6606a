/** Types of the public entry: how values, futures and containers of them correspond. */
import type { FileRef } from './file-ref.ts';
import type { Future } from './future.ts';

/** Objects that are values and not containers. */
type Atom =
  | ((...args: never[]) => unknown)
  | ArrayBufferLike
  | ArrayBufferView
  | Date
  | Error
  | RegExp
  | Future
  | FileRef;

/** An argument may be given as it is, as the future of it, or with futures inside; a path also as a file. */
export type Argument<T> = T | Future<T> | ArgumentParts<T>;

type ArgumentParts<T> = T extends string
  ? FileRef
  : T extends Atom
    ? never
    : T extends object
      ? { readonly [K in keyof T]: Argument<T[K]> }
      : never;

type FutureOf<R> = R extends Future<infer V> ? Future<V> : Future<R>;

type FutureOfEach<T> = { readonly [K in keyof T]: FutureOf<T[K]> };

/** What a call of a task gives: a future without a value, one future, or one for each of n values. */
export type Futures<R, N extends number> = N extends 0
  ? Future<void>
  : N extends 1
    ? FutureOf<Awaited<R>>
    : Awaited<R> extends readonly unknown[]
      ? FutureOfEach<Awaited<R>>
      : never;

/** What `waitOn` gives for a value. */
export type Resolved<T> =
  T extends Future<infer V>
    ? V
    : T extends FileRef
      ? string
      : T extends Atom
        ? T
        : T extends Map<infer K, infer V>
          ? Map<Resolved<K>, Resolved<V>>
          : T extends Set<infer V>
            ? Set<Resolved<V>>
            : T extends object
              ? { -readonly [K in keyof T]: Resolved<T[K]> }
              : T;
