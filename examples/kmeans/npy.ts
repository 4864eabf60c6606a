import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { InputFileError, orInputError } from './input-error.ts';
import { dataOffsetOf, formatNpyHeader, type NpyHeader, PREFIX_BYTES, parseNpyHeader } from './npy-header.ts';

/** An open `.npy` file that is known to hold a whole numeric matrix. A vector counts as a matrix of one column. */
export interface NpyFile extends Disposable {
  readonly rows: number;
  readonly columns: number;
  /**
   * Fills `target` with rows as float64, row-major, from `firstRow` on. Reads straight into it, or by way of one bounded
   * buffer: needs no memory for a second copy.
   */
  readInto(target: Float64Array, firstRow?: number): void;
}

interface ElementType {
  readonly bytes: number;
  read(view: DataView, at: number, little: boolean): number;
}

const ELEMENTS: { readonly [type: string]: ElementType } = {
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u8: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  b1: { bytes: 1, read: (view, at) => view.getUint8(at) },
};

const NATIVE = endianness() === 'LE' ? '<' : '>';
/** Converted elements pass through one buffer of this size; a multiple of every element size. */
const CONVERSION_BYTES = 1024 * 1024;

/** Opens and checks a `.npy` file; every fault is an InputFileError that names the file. */
export function openNpy(file: string): NpyFile {
  const fd = orInputError(file, () => openSync(file, 'r'));
  try {
    return describe(file, fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function describe(file: string, fd: number): NpyFile {
  const head = Buffer.alloc(dataOffsetOf(file, readHead(file, fd, PREFIX_BYTES)));
  readExactly(file, fd, head, 0);
  const header = parseNpyHeader(file, head);
  const element = elementOf(file, header);
  const [rows, columns = 1, ...more] = header.shape;
  if (rows === undefined || more.length > 0) {
    throw new InputFileError(file, `holds an array of shape (${header.shape.join(', ')}); a matrix is needed`);
  }
  const expected = header.dataOffset + rows * columns * element.bytes;
  const { size } = fstatSync(fd);
  if (size < expected) throw new InputFileError(file, `is truncated: ${size} bytes where ${expected} belong`);
  return {
    rows,
    columns,
    readInto(target, firstRow = 0) {
      if (target.length % columns !== 0 || firstRow + target.length / columns > rows) {
        throw new InputFileError(file, `holds ${rows} x ${columns} numbers, not ${target.length} from row ${firstRow}`);
      }
      readRows({ file, fd, header, element, target, firstRow });
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function elementOf(file: string, header: NpyHeader): ElementType {
  const element = /^[<>|=]/.test(header.descr) ? ELEMENTS[header.descr.slice(1)] : undefined;
  if (element === undefined) throw new InputFileError(file, `elements of type ${header.descr} are not supported`);
  return element;
}

interface RowsRead {
  readonly file: string;
  readonly fd: number;
  readonly header: NpyHeader;
  readonly element: ElementType;
  readonly target: Float64Array;
  readonly firstRow: number;
}

function readRows(read: RowsRead): void {
  const { header, target, firstRow } = read;
  const [rows = 0, columns = 1] = header.shape;
  const order = header.descr[0] === '=' ? NATIVE : header.descr[0];
  if (header.fortranOrder) {
    for (let column = 0; column < columns; column++) {
      convertRun(read, { start: column * rows + firstRow, count: target.length / columns, at: column, step: columns });
    }
  } else if (header.descr.slice(1) === 'f8' && order === NATIVE) {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    readExactly(read.file, read.fd, bytes, header.dataOffset + firstRow * columns * 8);
  } else {
    convertRun(read, { start: firstRow * columns, count: target.length, at: 0, step: 1 });
  }
}

/** Elements that lie side by side in the file, `step` apart in the target. */
interface Run {
  readonly start: number;
  readonly count: number;
  readonly at: number;
  readonly step: number;
}

function convertRun({ file, fd, header, element, target }: RowsRead, { start, count, at, step }: Run): void {
  const little = header.descr[0] === '<' || (header.descr[0] === '=' && NATIVE === '<');
  const buffer = Buffer.alloc(Math.min(CONVERSION_BYTES, count * element.bytes));
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const batch = buffer.length / element.bytes;
  for (let done = 0; done < count; done += batch) {
    const length = Math.min(batch, count - done);
    const position = header.dataOffset + (start + done) * element.bytes;
    readExactly(file, fd, buffer.subarray(0, length * element.bytes), position);
    for (let i = 0; i < length; i++) target[at + (done + i) * step] = element.read(view, i * element.bytes, little);
  }
}

function readHead(file: string, fd: number, length: number): Buffer {
  const head = Buffer.alloc(length);
  const read = orInputError(file, () => readSync(fd, head, 0, length, 0));
  return head.subarray(0, read);
}

/** A single read is limited to 2 GiB by the kernel and may be short. */
function readExactly(file: string, fd: number, target: Uint8Array, position: number): void {
  let done = 0;
  while (done < target.length) {
    const length = Math.min(target.length - done, 2 ** 30);
    const read = readSync(fd, target, done, length, position + done);
    if (read === 0) throw new InputFileError(file, `is truncated: it ends ${target.length - done} bytes early`);
    done += read;
  }
}

/**
 * Writes a float64 matrix row-major. The chunks come from `chunks` one at a time; the file appears under its name only
 * when it is whole.
 */
export function writeNpy(file: string, shape: readonly [number, number], chunks: Iterable<Float64Array>): void {
  const temporary = `${file}.${process.pid}.part`;
  const fd = openSync(temporary, 'w');
  try {
    try {
      let elements = 0;
      writeFully(fd, formatNpyHeader(`${NATIVE}f8`, shape));
      for (const chunk of chunks) {
        writeFully(fd, new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        elements += chunk.length;
      }
      if (elements !== shape[0] * shape[1]) {
        throw new RangeError(`${file}: ${elements} numbers given for ${shape.join(' x ')}`);
      }
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeFully(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
}
