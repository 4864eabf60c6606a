import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCsv } from '../../../examples/kmeans/csv.ts';
import { openMatrix } from '../../../examples/kmeans/matrix-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'metakernel-csv-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string, name = 'points.csv'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('readCsv', () => {
  test('a header, text columns and missing values', () => {
    const table = readCsv(file('Name,Weight,Power,Note\nfiat,700,50,\n"volvo, old",1200,NA,\nopel,900,75,\n'));
    expect(table.names).toEqual(['Weight', 'Power']);
    expect([...table.values]).toEqual([700, 50, 900, 75]);
    expect(table.notices).toEqual([
      'column Name is left out: it holds text ("fiat")',
      'column Note is left out: it is empty',
      '1 of 3 rows are left out: they miss a value',
    ]);
  });

  test.each([
    ['no header', '1,2\n3,4\n', ['column1', 'column2']],
    ['no last line end', 'a,b\n1,2\n3,4', ['a', 'b']],
    ['Windows line ends and a byte order mark', '\uFEFFa,b\r\n1,2\r\n3,4\r\n', ['a', 'b']],
    ['semicolons', 'a;b\n1;2\n3;4\n', ['a', 'b']],
    ['tabs', 'a\tb\n1\t2\n3\t4\n', ['a', 'b']],
    ['empty lines', 'a,b\n\n1,2\n\n3,4\n\n', ['a', 'b']],
    ['quotes, doubled ones and line ends in them', '"a ""x"", y","b\nc"\n"1",2\n3,"4"\n', ['a "x", y', 'b\nc']],
    ['blanks around numbers', 'a,b\n 1, 2 \n3 ,4\n', ['a', 'b']],
  ])('%s', (_, text, names) => {
    const table = readCsv(file(text));
    expect(table.names).toEqual(names);
    expect([...table.values]).toEqual([1, 2, 3, 4]);
    expect(table.notices).toEqual([]);
  });

  test('a text column in a file without header is left out', () => {
    const table = readCsv(file('5.1,3.5,setosa\n6.2,2.9,versicolor\n'));
    expect(table.names).toEqual(['column1', 'column2']);
    expect([...table.values]).toEqual([5.1, 3.5, 6.2, 2.9]);
  });

  test('a file longer than one chunk, with characters and quotes across its borders', () => {
    const rows = 40_000;
    const text = Array.from({ length: rows }, (_, i) => `${i},"ünï ""cödé""\n${i}",${i / 4}`).join('\n');
    const table = readCsv(file(`n,label,quarter\n${text}`));
    expect(table.rows).toBe(rows);
    expect(table.names).toEqual(['n', 'quarter']);
    expect(table.values.every((value, i) => value === (i % 2 === 0 ? i / 2 : (i - 1) / 8))).toBe(true);
  });

  test.each([
    ['is empty', ''],
    ['data record 2 has 1 fields where the first one has 2', 'a,b\n1,2\n3\n'],
    ['ends inside a quoted field', 'a,b\n1,"2\n'],
    ['has no column of numbers', 'a,b\nx,y\n'],
    ['has no complete row of numbers', 'a,b\n1,\n,2\n'],
  ])('a file that %s is refused', (reason, text) => {
    const path = file(text);
    expect(() => readCsv(path)).toThrowError(
      expect.objectContaining({ code: 'ERR_INPUT_FILE_INVALID', message: `${path}: ${reason}` }),
    );
  });
});

describe('openMatrix', () => {
  test('takes .csv and .tsv by their extension, in any case', () => {
    for (const name of ['m.csv', 'm.CSV', 'm.tsv']) {
      using matrix = openMatrix(file('a,b\n1,2\n', name));
      const target = new Float64Array(2);
      matrix.readInto(target);
      expect([...target]).toEqual([1, 2]);
      expect(matrix.names).toEqual(['a', 'b']);
    }
  });

  test('refuses other files, missing ones and files without points', () => {
    expect(() => openMatrix(join(folder, 'x.txt'))).toThrowError('neither .npy nor .csv');
    expect(() => openMatrix(join(folder, 'absent.csv'))).toThrowError('no such file');
    const empty = join(import.meta.dirname, 'fixtures/empty.npy');
    expect(() => openMatrix(empty)).toThrowError('holds no points (0 x 3)');
  });
});
