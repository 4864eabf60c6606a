import { readFileSync } from 'node:fs';

/** What one fragment contributes to an iteration. `sums` is k x dims, row-major. */
export interface PartialSums {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
  readonly inertia: number;
}

/** Points and centres as row-major matrices of `dims` columns. */
export interface Kernel {
  partialSums(points: Float64Array, centres: Float64Array, dims: number): PartialSums;
  /** The nearest centre of every point; ties go to the lower index. */
  labels(points: Float64Array, centres: Float64Array, dims: number): Int32Array;
}

/** What is used here of WebAssembly: Node's types have none of it, and those of the DOM would let in the browser. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};
interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
interface KernelExports {
  readonly memory: LinearMemory;
  assign(
    points: number,
    rows: number,
    dims: number,
    tiles: number,
    bias: number,
    tileCount: number,
    best: number,
    labels: number,
  ): void;
  accumulate(
    points: number,
    rows: number,
    dims: number,
    centres: number,
    labels: number,
    sums: number,
    counts: number,
    inertia: number,
  ): number;
}

/** Byte addresses of the areas that `assembly/kernel.ts` describes. */
interface Layout {
  readonly tiles: number;
  readonly bias: number;
  readonly best: number;
  readonly centres: number;
  readonly sums: number;
  readonly counts: number;
  readonly labels: number;
  readonly points: number;
  readonly end: number;
  readonly tileCount: number;
  readonly blockRows: number;
}

const TILE = 4;
const CHUNK = 16;
const PAGE = 65_536;
/** A block of points is read twice: it fits the L2 cache beside the centres, and is long enough for a fast memcpy. */
const BLOCK_BYTES = 256 * 1024;
/** Addresses below are left to the module's own statics. */
const FIRST_FREE = 1024;

let shared: Kernel | undefined;

/** The WASM kernel of this thread; it is compiled at the first call. */
export function wasmKernel(): Kernel {
  shared ??= createWasmKernel(readFileSync(new URL('./kernel.wasm', import.meta.url)));
  return shared;
}

export function createWasmKernel(bytes: Uint8Array): Kernel {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const wasm = instance.exports as KernelExports;
  return {
    partialSums(points, centres, dims) {
      const layout = prepare(wasm.memory, centres, dims);
      let inertia = 0;
      forEachBlock(wasm, layout, points, dims, (rows) => {
        const { points: block, centres: c, labels, sums, counts } = layout;
        inertia = wasm.accumulate(block, rows, dims, c, labels, sums, counts, inertia);
      });
      const k = centres.length / dims;
      const { buffer } = wasm.memory;
      return {
        sums: new Float64Array(buffer, layout.sums, k * dims).slice(),
        counts: new Float64Array(buffer, layout.counts, k).slice(),
        inertia,
      };
    },
    labels(points, centres, dims) {
      const layout = prepare(wasm.memory, centres, dims);
      const all = new Int32Array(points.length / dims);
      forEachBlock(wasm, layout, points, dims, (rows, first) => {
        all.set(new Int32Array(wasm.memory.buffer, layout.labels, rows), first);
      });
      return all;
    },
  };
}

/** Copies the points in, block by block, and labels each block before `use` sees it. */
function forEachBlock(
  wasm: KernelExports,
  layout: Layout,
  points: Float64Array,
  dims: number,
  use: (rows: number, first: number) => void,
): void {
  const rowBytes = dims * 8;
  const total = points.length / dims;
  // Buffer.copy is one memcpy also out of a SharedArrayBuffer; TypedArray.set copies that word by word, at half the speed.
  const source = Buffer.from(points.buffer, points.byteOffset, points.byteLength);
  const memory = Buffer.from(wasm.memory.buffer);
  for (let first = 0; first < total; first += layout.blockRows) {
    const rows = Math.min(layout.blockRows, total - first);
    source.copy(memory, layout.points, first * rowBytes, (first + rows) * rowBytes);
    wasm.assign(layout.points, rows, dims, layout.tiles, layout.bias, layout.tileCount, layout.best, layout.labels);
    use(rows, first);
  }
}

function prepare(memory: LinearMemory, centres: Float64Array, dims: number): Layout {
  const layout = layOut(centres.length / dims, dims);
  const missing = layout.end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  writeCentres(memory.buffer, layout, centres, dims);
  new Float64Array(memory.buffer, layout.sums, centres.length).fill(0);
  new Float64Array(memory.buffer, layout.counts, centres.length / dims).fill(0);
  return layout;
}

function layOut(k: number, dims: number): Layout {
  const tileCount = Math.ceil(k / TILE);
  const blockRows = Math.max(CHUNK, Math.floor(BLOCK_BYTES / (dims * 8)) & ~(CHUNK - 1));
  let next = FIRST_FREE;
  const area = (bytes: number): number => {
    const start = next;
    next += Math.ceil(bytes / 64) * 64;
    return start;
  };
  const areas = {
    tiles: area(tileCount * TILE * dims * 8),
    bias: area(tileCount * TILE * 8),
    best: area(CHUNK * 32),
    centres: area(k * dims * 8),
    sums: area(k * dims * 8),
    counts: area(k * 8),
    labels: area(blockRows * 4),
    points: area(blockRows * dims * 8),
  };
  return { ...areas, end: next, tileCount, blockRows };
}

/** The centres twice: in tiles for `assign`, row-major for `accumulate`. */
function writeCentres(buffer: ArrayBuffer, layout: Layout, centres: Float64Array, dims: number): void {
  const k = centres.length / dims;
  const padded = layout.tileCount * TILE;
  const tiles = new Float64Array(buffer, layout.tiles, padded * dims);
  for (let c = 0; c < padded; c++) {
    const lane = Math.floor(c / TILE) * TILE * dims + (c % TILE);
    for (let d = 0; d < dims; d++) tiles[lane + d * TILE] = c < k ? centres[c * dims + d]! : 0;
  }
  new Float64Array(buffer, layout.bias, padded).fill(-Infinity).set(biases(centres, dims));
  new Float64Array(buffer, layout.centres, centres.length).set(centres);
}

/** -|c|^2 / 2 of every centre: added to x.c it ranks the centres by their distance to x, the largest being nearest. */
export function biases(centres: Float64Array, dims: number): Float64Array {
  return Float64Array.from({ length: centres.length / dims }, (_, c) => {
    let norm = 0;
    for (let d = c * dims; d < (c + 1) * dims; d++) norm += centres[d]! * centres[d]!;
    return -norm / 2;
  });
}
