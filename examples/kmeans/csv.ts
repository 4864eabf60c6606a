import { csvRecords } from './csv-records.ts';
import { InputFileError } from './input-error.ts';

/** The numeric part of a CSV file. */
export interface CsvTable {
  readonly rows: number;
  readonly names: readonly string[];
  /** Row-major, `names.length` columns. */
  readonly values: Float64Array;
  /** What was left out, one sentence each. */
  readonly notices: readonly string[];
}

const MISSING = new Set(['', 'na', 'n/a', 'nan', 'null', 'none', '?']);
const FIRST_CAPACITY = 4096;

/**
 * Reads a CSV file. The first record is a header when none of its fields is a number. A column is kept when every field
 * that is there is a number; a record that misses a field of a kept column is left out.
 */
export function readCsv(file: string): CsvTable {
  const records = csvRecords(file);
  const first = records.next();
  if (first.done === true) throw new InputFileError(file, 'is empty');
  const headed = first.value.every((field) => Number.isNaN(toNumber(field)));
  const names = headed
    ? first.value.map((name, column) => name.trim() || `column${column + 1}`)
    : first.value.map((_, column) => `column${column + 1}`);
  const table = new TableBuilder(file, names);
  if (!headed) table.add(first.value);
  for (const record of records) table.add(record);
  return table.finish();
}

/** NaN for text; missing fields are told apart by isMissing. */
function toNumber(field: string): number {
  const text = field.trim();
  return text === '' ? Number.NaN : Number(text);
}

function isMissing(field: string): boolean {
  return MISSING.has(field.trim().toLowerCase());
}

/** Collects all columns as numbers, NaN where there is none, and sorts out columns and rows at the end. */
class TableBuilder {
  readonly #file: string;
  readonly #names: readonly string[];
  /** Per column: the first text that made it not numeric. */
  readonly #texts: (string | undefined)[];
  readonly #present: number[];
  #values: Float64Array;
  #rows = 0;

  constructor(file: string, names: readonly string[]) {
    this.#file = file;
    this.#names = names;
    this.#texts = names.map(() => undefined);
    this.#present = names.map(() => 0);
    this.#values = new Float64Array(FIRST_CAPACITY * names.length);
  }

  add(record: readonly string[]): void {
    const columns = this.#names.length;
    if (record.length !== columns) {
      const where = `data record ${this.#rows + 1}`;
      throw new InputFileError(this.#file, `${where} has ${record.length} fields where the first one has ${columns}`);
    }
    this.#reserve();
    const at = this.#rows * columns;
    record.forEach((field, column) => {
      const value = toNumber(field);
      this.#values[at + column] = value;
      if (!Number.isNaN(value)) this.#present[column]! += 1;
      else if (!isMissing(field)) this.#texts[column] ??= field.trim();
    });
    this.#rows += 1;
  }

  #reserve(): void {
    const needed = (this.#rows + 1) * this.#names.length;
    if (needed <= this.#values.length) return;
    const larger = new Float64Array(this.#values.length * 2);
    larger.set(this.#values);
    this.#values = larger;
  }

  finish(): CsvTable {
    const kept = this.#names.flatMap((_, column) =>
      this.#texts[column] === undefined && this.#present[column]! > 0 ? [column] : [],
    );
    if (kept.length === 0) throw new InputFileError(this.#file, 'has no column of numbers');
    const values = new Float64Array(this.#rows * kept.length);
    let rows = 0;
    for (let row = 0; row < this.#rows; row++) {
      const at = row * this.#names.length;
      if (kept.some((column) => Number.isNaN(this.#values[at + column]!))) continue;
      kept.forEach((column, i) => {
        values[rows * kept.length + i] = this.#values[at + column]!;
      });
      rows += 1;
    }
    if (rows === 0) throw new InputFileError(this.#file, 'has no complete row of numbers');
    return {
      rows,
      names: kept.map((column) => this.#names[column]!),
      values: values.subarray(0, rows * kept.length),
      notices: [...this.#columnNotices(), ...this.#rowNotices(rows)],
    };
  }

  #columnNotices(): string[] {
    return this.#names.flatMap((name, column) => {
      const text = this.#texts[column];
      if (text !== undefined) return [`column ${name} is left out: it holds text ("${text.slice(0, 40)}")`];
      return this.#present[column] === 0 ? [`column ${name} is left out: it is empty`] : [];
    });
  }

  #rowNotices(rows: number): string[] {
    const dropped = this.#rows - rows;
    return dropped === 0 ? [] : [`${dropped} of ${this.#rows} rows are left out: they miss a value`];
  }
}
