import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { InputFileError, orInputError } from './input-error.ts';

const CHUNK_BYTES = 256 * 1024;
const SEPARATORS = [',', ';', '\t'] as const;

/**
 * The records of a CSV file, read in pieces (RFC 4180: a quoted field may hold separators, line ends and doubled
 * quotes). The separator is the one of comma, semicolon and tab that the first line has most of. Empty lines are left out.
 */
export function* csvRecords(file: string): Generator<string[]> {
  const fd = orInputError(file, () => openSync(file, 'r'));
  try {
    let separator: string | undefined;
    for (const record of rawRecords(file, decodedChunks(file, fd))) {
      separator ??= separatorOf(record);
      if (record !== '') yield fieldsOf(record, separator);
    }
  } finally {
    closeSync(fd);
  }
}

function* decodedChunks(file: string, fd: number): Generator<string> {
  const decoder = new StringDecoder('utf8');
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let read = orInputError(file, () => readSync(fd, buffer));
  let text = decoder.write(buffer.subarray(0, read)).replace(/^\uFEFF/, '');
  while (read > 0) {
    yield text;
    read = readSync(fd, buffer);
    text = decoder.write(buffer.subarray(0, read));
  }
  yield decoder.end();
}

/** Splits at line ends outside quotes. What a chunk leaves unfinished is carried over, with its number of quotes. */
function* rawRecords(file: string, chunks: Iterable<string>): Generator<string> {
  let carried = '';
  let quoted = false;
  for (const chunk of chunks) {
    const lines = chunk.split('\n');
    const last = lines.pop()!;
    for (const line of lines) {
      carried += line;
      if (hasOddQuotes(line)) quoted = !quoted;
      if (quoted) {
        carried += '\n';
      } else {
        yield carried.endsWith('\r') ? carried.slice(0, -1) : carried;
        carried = '';
      }
    }
    carried += last;
    if (hasOddQuotes(last)) quoted = !quoted;
  }
  if (quoted) throw new InputFileError(file, 'ends inside a quoted field');
  if (carried !== '') yield carried;
}

function hasOddQuotes(text: string): boolean {
  let odd = false;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
}

function separatorOf(record: string): string {
  const unquoted = record.replace(/"[^"]*"/g, '');
  const count = (separator: string): number => unquoted.split(separator).length;
  return SEPARATORS.reduce((best, next) => (count(next) > count(best) ? next : best));
}

function fieldsOf(record: string, separator: string): string[] {
  if (!record.includes('"')) return record.split(separator);
  const fields: string[] = [];
  let field = '';
  for (const piece of record.split(separator)) {
    field = field === '' ? piece : field + separator + piece;
    if (hasOddQuotes(field)) continue;
    fields.push(unquote(field));
    field = '';
  }
  return fields;
}

function unquote(field: string): string {
  const trimmed = field.trim();
  return trimmed.startsWith('"') ? trimmed.slice(1, -1).replaceAll('""', '"') : field;
}
