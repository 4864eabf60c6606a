import { InputFileError } from './input-error.ts';

/** What the header of a `.npy` file says (numpy.lib.format, versions 1 to 3). */
export interface NpyHeader {
  /** Byte order and type as numpy spells them: `<f8`, `>i4`, `|u1`. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Byte offset of the first element. */
  readonly dataOffset: number;
}

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** numpy itself refuses longer headers by default. */
const MAX_HEADER_BYTES = 10_000;
/** Enough of the file to know how long its header is. */
export const PREFIX_BYTES = 12;

/** Where the data begin, from the first PREFIX_BYTES of the file. */
export function dataOffsetOf(file: string, prefix: Buffer): number {
  if (prefix.length < PREFIX_BYTES || !prefix.subarray(0, 6).equals(MAGIC)) {
    throw new InputFileError(file, 'does not begin as a .npy file (wrong magic bytes)');
  }
  const version = prefix[6]!;
  if (version < 1 || version > 3) throw new InputFileError(file, `unknown .npy version ${version}`);
  const [length, start] = version === 1 ? [prefix.readUInt16LE(8), 10] : [prefix.readUInt32LE(8), 12];
  if (length > MAX_HEADER_BYTES) throw new InputFileError(file, `its .npy header claims ${length} bytes`);
  return start + length;
}

/** Reads the whole head of a file, from its first byte to the first element. */
export function parseNpyHeader(file: string, head: Buffer): NpyHeader {
  const start = head[6] === 1 ? 10 : 12;
  const text = head.toString(head[6] === 3 ? 'utf8' : 'latin1', start);
  const field = (name: string, pattern: string): string => {
    const found = new RegExp(`['"]${name}['"]\\s*:\\s*${pattern}`).exec(text);
    if (found === null) throw new InputFileError(file, `its .npy header has no usable ${name}: ${text.trim()}`);
    return found[1]!;
  };
  const shape = field('shape', '\\(([\\d,\\sL]*)\\)')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => Number(part.replace('L', '')));
  if (!shape.every(Number.isSafeInteger)) throw new InputFileError(file, `shape (${shape.join(', ')}) is not usable`);
  return {
    descr: field('descr', `['"]([^'"]+)['"]`),
    fortranOrder: field('fortran_order', '(True|False)') === 'True',
    shape,
    dataOffset: head.length,
  };
}

/** A version 1 header for a C-ordered array, padded so that the data begin on a multiple of 64 bytes. */
export function formatNpyHeader(descr: string, shape: readonly number[]): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const unpadded = 10 + dictionary.length + 1;
  const padding = ' '.repeat(Math.ceil(unpadded / 64) * 64 - unpadded);
  const prefix = Buffer.from([...MAGIC, 1, 0, 0, 0]);
  prefix.writeUInt16LE(dictionary.length + padding.length + 1, 8);
  return Buffer.concat([prefix, Buffer.from(`${dictionary}${padding}\n`, 'latin1')]);
}
