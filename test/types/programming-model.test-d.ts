import type { FileRef, Future } from 'metakernel';
import { file, put, sharedArray, task, waitOn } from 'metakernel';
import { describe, expectTypeOf, it } from 'vitest';

const add = task({ name: 'add' }, (a: number, b: number): number => a + b);
const later = task({ name: 'later' }, async (text: string): Promise<string> => text);
const split = task({ name: 'split', returns: 2 }, (text: string): [string, number] => [text, text.length]);
const nothing = task({ name: 'nothing', returns: 0 }, (_list: readonly number[]): void => undefined);
const delegate = task({ name: 'delegate' }, (a: number): Future<number> => add(a, 1));
const reads = task({ name: 'reads', params: [{ type: 'file' }] }, (path: string, flag: boolean) => flag || path === '');
const nested = task({ name: 'nested' }, (value: { rows: { x: number }[]; when: Date }) => value.rows.length);

describe('calls', () => {
  it('give futures of what the function returns', () => {
    expectTypeOf(add(1, 2)).toEqualTypeOf<Future<number>>();
    expectTypeOf(later('x')).toEqualTypeOf<Future<string>>();
    expectTypeOf(delegate(1)).toEqualTypeOf<Future<number>>();
  });

  it('give a tuple for n returns and a future without value for none', () => {
    expectTypeOf(split('x')).toEqualTypeOf<readonly [Future<string>, Future<number>]>();
    expectTypeOf(nothing([1])).toEqualTypeOf<Future<void>>();
  });

  it('take values and futures of the parameter types', () => {
    add(1, add(2, 3));
    nothing([1, add(1, 2)]);
    nested({ rows: [{ x: add(1, 1) }], when: new Date() });
    nested(put({ rows: [{ x: 1 }], when: new Date() }));
    reads(file('x'), true);
    reads('x', put(true));
  });

  it('refuse others', () => {
    // @ts-expect-error a string is no number
    add(1, 'x');
    // @ts-expect-error nor is the future of one
    add(1, later('x'));
    // @ts-expect-error an argument is missing
    add(1);
    // @ts-expect-error there is no third parameter
    add(1, 2, 3);
    // @ts-expect-error inside containers too
    nothing([1, later('x')]);
    // @ts-expect-error and in objects
    nested({ rows: [{ x: 'text' }], when: new Date() });
    // @ts-expect-error a file stands for a path only
    add(file('x'), 1);
    // @ts-expect-error a future has no value yet
    add(1, 2) + 1;
  });
});

describe('declarations', () => {
  it('know the directions and the other options', () => {
    task({ name: 'a', params: ['IN', 'INOUT', { direction: 'OUT', type: 'collection', depth: 2 }] }, () => 1);
    // @ts-expect-error there is no such direction
    task({ name: 'b', params: ['SIDEWAYS'] }, () => 1);
    // @ts-expect-error nor such a failure policy
    task({ name: 'c', onFailure: 'SHRUG' }, () => 1);
    // @ts-expect-error two values cannot be a number
    task({ name: 'd', returns: 2 }, () => 1)().length;
  });
});

describe('waitOn', () => {
  it('gives values for futures, files and containers of them', () => {
    expectTypeOf(waitOn(add(1, 2))).resolves.toEqualTypeOf<number>();
    expectTypeOf(waitOn([add(1, 2), later('x')] as const)).resolves.toEqualTypeOf<[number, string]>();
    expectTypeOf(waitOn({ a: add(1, 2), b: [later('x')], c: 1 })).resolves.toEqualTypeOf<{
      a: number;
      b: string[];
      c: number;
    }>();
    expectTypeOf(waitOn(split('x'))).resolves.toEqualTypeOf<[string, number]>();
    expectTypeOf(waitOn(file('x'))).resolves.toEqualTypeOf<string>();
    expectTypeOf(waitOn(new Map([['k', add(1, 2)]]))).resolves.toEqualTypeOf<Map<string, number>>();
    expectTypeOf(waitOn(new Float64Array(1))).resolves.toEqualTypeOf<Float64Array<ArrayBuffer>>();
    expectTypeOf(file('x')).toEqualTypeOf<FileRef>();
  });

  it('keeps the class of shared arrays', () => {
    expectTypeOf(sharedArray(Float64Array, 4)).toExtend<Float64Array>();
  });
});
