import { describe, expect, test } from 'vitest';
import { readCsv } from '../../../examples/kmeans/csv.ts';
import { referenceKmeans } from '../../../examples/kmeans/reference.ts';
import { PUBLIC_DATA_SETS, writePublicData } from '../../../scripts/public-data.ts';
import { tempDir } from '../../support/temp-dir.ts';

const options = { iterations: 100, epsilon: 1e-9, seed: 1, standardise: true };

describe('public data sets as CSV', () => {
  test('iris: 150 flowers, its species left out because it is text', () => {
    using folder = tempDir('public');
    const table = readCsv(writePublicData('iris', folder.path));
    expect(table).toMatchObject({ rows: 150, names: ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'] });
    expect(table.notices).toEqual([expect.stringContaining('species')]);
  });

  test('cars: those without mileage or power are left out; light thrifty cars and heavy strong ones come apart', () => {
    using folder = tempDir('public');
    const path = writePublicData('cars', folder.path);
    const { rows, names, notices } = readCsv(path);
    expect(rows).toBe(392);
    expect(notices.join('\n')).toContain('14 of 406 rows');
    const model = referenceKmeans([path], { ...options, k: 2 });
    const column = (name: string): number[] => model.centres.map((centre) => centre[names.indexOf(name)]!);
    const [light, heavy] = column('Weight_in_lbs')[0]! < column('Weight_in_lbs')[1]! ? [0, 1] : [1, 0];
    expect(column('Miles_per_Gallon')[light]).toBeGreaterThan(column('Miles_per_Gallon')[heavy]!);
    expect(column('Horsepower')[light]).toBeLessThan(column('Horsepower')[heavy]!);
  });

  test('movies: titles with commas and quotes stay one field', () => {
    using folder = tempDir('public');
    const { rows, names } = readCsv(writePublicData('movies', folder.path));
    expect(names).toEqual(['Production Budget', 'Worldwide Gross', 'IMDB Rating', 'IMDB Votes']);
    expect(rows).toBeGreaterThan(2_000);
  });

  test('others are refused with the names of those there are', () => {
    expect(() => writePublicData('titanic', '.')).toThrowError(PUBLIC_DATA_SETS.join(', '));
  });
});
