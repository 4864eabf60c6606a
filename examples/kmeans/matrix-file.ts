import { extname } from 'node:path';
import { readCsv } from './csv.ts';
import { InputFileError } from './input-error.ts';
import { openNpy } from './npy.ts';

/** A file of points, open for reading: `.npy`, `.csv` or `.tsv`. */
export interface MatrixFile extends Disposable {
  readonly rows: number;
  readonly columns: number;
  /** Column names, where the file has them. */
  readonly names?: readonly string[];
  readonly notices: readonly string[];
  readInto(target: Float64Array): void;
}

export function openMatrix(file: string): MatrixFile {
  const matrix = openByExtension(file);
  if (matrix.rows > 0 && matrix.columns > 0) return matrix;
  matrix[Symbol.dispose]();
  throw new InputFileError(file, `holds no points (${matrix.rows} x ${matrix.columns})`);
}

function openByExtension(file: string): MatrixFile {
  switch (extname(file).toLowerCase()) {
    case '.npy':
      return Object.assign(openNpy(file), { notices: [] });
    case '.csv':
    case '.tsv':
      return fromCsv(file);
    default:
      throw new InputFileError(file, 'is neither .npy nor .csv nor .tsv');
  }
}

function fromCsv(file: string): MatrixFile {
  const { rows, names, values, notices } = readCsv(file);
  return {
    rows,
    columns: names.length,
    names,
    notices,
    readInto: (target) => target.set(values),
    [Symbol.dispose]: () => undefined,
  };
}
