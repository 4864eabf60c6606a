import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openNpy, writeNpy } from '../../../examples/kmeans/npy.ts';

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', `${name}.npy`);
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'metakernel-npy-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(file: string, firstRow = 0, rows?: number): number[][] {
  using npy = openNpy(file);
  const count = rows ?? npy.rows - firstRow;
  const target = new Float64Array(new SharedArrayBuffer(count * npy.columns * 8));
  npy.readInto(target, firstRow);
  return Array.from({ length: count }, (_, r) => [...target.subarray(r * npy.columns, (r + 1) * npy.columns)]);
}

describe('files that numpy wrote', () => {
  const floats = [
    [1.5, -2.25, 3],
    [4, 5.5, -6.75],
  ];
  const integers = [
    [1, -2],
    [300, -32768],
    [127, 0],
  ];
  test.each([
    ['float64-little', floats],
    ['float64-big', floats],
    ['float32-little', floats],
    ['float64-fortran', floats],
    ['float32-big-fortran', floats],
    ['version2', floats],
    ['version3', floats],
    ['int-little-i2', integers],
    ['int-big-i2', integers],
    ['int-little-i4', integers],
    ['int-big-i4', integers],
    ['int-little-i8', integers],
    ['int-big-i8', integers],
    ['int8', [[1, -128], [127, 0]]], // biome-ignore format: one case per line
    ['uint8', [[1, 255], [127, 0]]], // biome-ignore format: one case per line
    ['uint64-little', [[1, 2 ** 53], [127, 0]]], // biome-ignore format: one case per line
    ['bool', [[1, 0]]],
    ['vector', [[1], [2], [3]]],
    ['empty', []],
  ])('%s is read as float64', (name, expected) => {
    expect(load(fixture(name))).toEqual(expected);
  });

  test.each(['float64-little', 'float64-big', 'float64-fortran'])('%s gives single rows too', (name) => {
    expect(load(fixture(name), 1, 1)).toEqual([floats[1]]);
  });

  test.each([
    ['scalar', 'shape ()'],
    ['cube', 'shape (2, 2, 2)'],
    ['complex', 'type <c16'],
    ['text', 'type <U1'],
    ['record', 'no usable descr'],
  ])('%s is refused with a reason', (name, reason) => {
    expect(() => openNpy(fixture(name))).toThrowError(reason);
    expect(() => openNpy(fixture(name))).toThrowError(`${name}.npy`);
  });
});

describe('faults name the file and the reason', () => {
  const invalid = { name: 'InputFileError', code: 'ERR_INPUT_FILE_INVALID' };
  const damaged = (name: string, bytes: Uint8Array | string): string => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return file;
  };
  const good = readFileSync(fixture('float64-little'));

  test('a missing file', () => {
    const file = join(folder, 'absent.npy');
    const message = `${file}: no such file`;
    expect(() => openNpy(file)).toThrowError(expect.objectContaining({ code: 'ERR_INPUT_FILE_MISSING', message }));
  });

  test.each([
    ['empty file', '', 'wrong magic'],
    ['other file', 'sepal length,sepal width\n1,2\n', 'wrong magic'],
    ['version 9', Buffer.concat([good.subarray(0, 6), Buffer.of(9), good.subarray(7)]), 'version 9'],
    ['a header past the end', good.subarray(0, 40), 'ends 88 bytes early'],
    ['a huge header', Buffer.concat([good.subarray(0, 6), Buffer.of(2, 0, 0, 0, 0, 64, 1, 2)]), '1073741824 bytes'],
    ['no data', good.subarray(0, 128), '128 bytes where 176 belong'],
    ['half the data', good.subarray(0, 150), '150 bytes where 176 belong'],
    ['no shape', Buffer.from(good.toString('latin1').replace("'shape'", "'shope'"), 'latin1'), 'no usable shape'],
  ])('%s', (name, bytes, reason) => {
    const file = damaged(name.replaceAll(' ', '-'), bytes);
    expect(() => openNpy(file)).toThrowError(expect.objectContaining(invalid));
    expect(() => openNpy(file)).toThrowError(reason);
    expect(() => openNpy(file)).toThrowError(file);
  });

  test('a directory', () => {
    expect(() => openNpy(folder)).toThrowError(`${folder}: is a directory`);
  });

  test('a file that shrinks while it is read', () => {
    const file = damaged('shrinks.npy', good);
    using npy = openNpy(file);
    truncateSync(file, 140);
    expect(() => npy.readInto(new Float64Array(6))).toThrowError('ends 36 bytes early');
  });

  test('a target of the wrong size', () => {
    using npy = openNpy(fixture('float64-little'));
    expect(() => npy.readInto(new Float64Array(9))).toThrowError('holds 2 x 3 numbers, not 9 from row 0');
    expect(() => npy.readInto(new Float64Array(5))).toThrowError('holds 2 x 3 numbers, not 5 from row 0');
    expect(() => npy.readInto(new Float64Array(3), 2)).toThrowError('not 3 from row 2');
  });
});

describe('writing', () => {
  test('gives the bytes that numpy gives', () => {
    const file = join(folder, 'written.npy');
    writeNpy(file, [2, 3], [Float64Array.of(1.5, -2.25, 3), Float64Array.of(4, 5.5, -6.75)]);
    expect(readFileSync(file).equals(readFileSync(fixture('float64-little')))).toBe(true);
  });

  test('leaves nothing behind when the numbers do not fill the shape', () => {
    const before = readdirSync(folder);
    expect(() => writeNpy(join(folder, 'short.npy'), [2, 3], [Float64Array.of(1)])).toThrowError('1 numbers given');
    expect(readdirSync(folder)).toEqual(before);
  });

  test('more than one conversion buffer', () => {
    const file = join(folder, 'long.npy');
    const values = Float64Array.from({ length: 300_000 }, (_, i) => i / 8);
    writeNpy(file, [100_000, 3], [values]);
    const bytes = readFileSync(file);
    bytes.subarray(128).swap64();
    writeFileSync(file, bytes.toString('latin1').replace("'<f8'", "'>f8'"), 'latin1');
    expect(load(file, 99_998)).toEqual([[...values.subarray(299_994, 299_997)], [...values.subarray(299_997)]]);
    using npy = openNpy(file);
    const all = new Float64Array(300_000);
    npy.readInto(all);
    expect(all).toEqual(values);
  });
});
