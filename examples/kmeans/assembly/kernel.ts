// AssemblyScript source of ../kernel.wasm (`npm run generate` compiles it): one Lloyd step over a block of points.
//
// The host (../kernel.ts) lays out linear memory and passes byte addresses; nothing here allocates. All numbers are
// float64. The areas:
//
//   points   rows x dims, row-major, with room for a multiple of four rows: surplus rows are computed and ignored
//   tiles    the centres, transposed in tiles of four: tile t holds, for d = 0 .. dims-1, coordinate d of the centres
//            4t .. 4t+3, so that one 128-bit register carries the same coordinate of two centres
//   bias     -|c|^2 / 2 of every centre; padding centres have -Infinity and so never win
//   best     per row of a chunk: the running maxima of the even and of the odd centres, then the centres that gave them
//   labels   per row: the index of the nearest centre, as i32
//
// The nearest centre of x is the c with the largest x.c - |c|^2/2. Lanes are centres, so the sum over d runs in plain
// order whatever the tiling; ../kernel-twin.ts adds in the same order and gives the same bits. For that reason there is
// no fused multiply-add: its rounding is another, and multiplications and additions go to different ports anyway.

/** Rows whose maxima are kept at a time: with 100 coordinates they and one tile of centres stay in the L1 cache. */
const CHUNK: usize = 16;
/** Bytes of `best` per row: two v128. */
const BEST: usize = 32;

/** Writes the index of the nearest centre of every row to `labels`. Ties go to the lower index; NaN gives 0. */
export function assign(
  points: usize,
  rows: usize,
  dims: usize,
  tiles: usize,
  bias: usize,
  tileCount: usize,
  best: usize,
  labels: usize,
): void {
  const stride = dims * 8;
  for (let first: usize = 0; first < rows; first += CHUNK) {
    const count = min<usize>(CHUNK, (rows - first + 3) & ~3);
    for (let r: usize = 0; r < count; r++) {
      v128.store(best + r * BEST, f64x2.splat(-Infinity));
      v128.store(best + r * BEST, f64x2(0, 1), 16);
    }
    let tile = tiles;
    let tileBias = bias;
    for (let t: usize = 0; t < tileCount; t++) {
      for (let r: usize = 0; r < count; r += 4) {
        fourByFour(points + (first + r) * stride, stride, tile, tileBias, best + r * BEST, <f64>(t * 4));
      }
      tile += dims * 32;
      tileBias += 32;
    }
    for (let r: usize = 0; r < count; r++) store<i32>(labels + (first + r) * 4, winner(best + r * BEST));
  }
}

/**
 * Four rows against one tile of four centres: eight accumulators, two registers of centre coordinates and one broadcast
 * row coordinate, which leaves V8 enough of the sixteen vector registers of x86-64 to spill nothing. Two coordinates
 * per turn halve the loop's own cost; four made V8 spill and were slower.
 */
function fourByFour(row: usize, stride: usize, tile: usize, bias: usize, best: usize, index: f64): void {
  let a0 = v128.load(bias), a1 = v128.load(bias, 16);
  let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
  let r0 = row, r1 = row + stride, r2 = r1 + stride, r3 = r2 + stride;
  const end = r1;
  const evenEnd = row + (stride & ~15);
  let t0: v128, t1: v128, x: v128;
  for (; r0 < evenEnd; r0 += 16, r1 += 16, r2 += 16, r3 += 16, tile += 64) {
    t0 = v128.load(tile);
    t1 = v128.load(tile, 16);
    x = v128.load64_splat(r0);
    a0 = f64x2.add(a0, f64x2.mul(x, t0));
    a1 = f64x2.add(a1, f64x2.mul(x, t1));
    x = v128.load64_splat(r1);
    b0 = f64x2.add(b0, f64x2.mul(x, t0));
    b1 = f64x2.add(b1, f64x2.mul(x, t1));
    x = v128.load64_splat(r2);
    c0 = f64x2.add(c0, f64x2.mul(x, t0));
    c1 = f64x2.add(c1, f64x2.mul(x, t1));
    x = v128.load64_splat(r3);
    d0 = f64x2.add(d0, f64x2.mul(x, t0));
    d1 = f64x2.add(d1, f64x2.mul(x, t1));
    t0 = v128.load(tile, 32);
    t1 = v128.load(tile, 48);
    x = v128.load64_splat(r0, 8);
    a0 = f64x2.add(a0, f64x2.mul(x, t0));
    a1 = f64x2.add(a1, f64x2.mul(x, t1));
    x = v128.load64_splat(r1, 8);
    b0 = f64x2.add(b0, f64x2.mul(x, t0));
    b1 = f64x2.add(b1, f64x2.mul(x, t1));
    x = v128.load64_splat(r2, 8);
    c0 = f64x2.add(c0, f64x2.mul(x, t0));
    c1 = f64x2.add(c1, f64x2.mul(x, t1));
    x = v128.load64_splat(r3, 8);
    d0 = f64x2.add(d0, f64x2.mul(x, t0));
    d1 = f64x2.add(d1, f64x2.mul(x, t1));
  }
  if (r0 < end) {
    t0 = v128.load(tile);
    t1 = v128.load(tile, 16);
    x = v128.load64_splat(r0);
    a0 = f64x2.add(a0, f64x2.mul(x, t0));
    a1 = f64x2.add(a1, f64x2.mul(x, t1));
    x = v128.load64_splat(r1);
    b0 = f64x2.add(b0, f64x2.mul(x, t0));
    b1 = f64x2.add(b1, f64x2.mul(x, t1));
    x = v128.load64_splat(r2);
    c0 = f64x2.add(c0, f64x2.mul(x, t0));
    c1 = f64x2.add(c1, f64x2.mul(x, t1));
    x = v128.load64_splat(r3);
    d0 = f64x2.add(d0, f64x2.mul(x, t0));
    d1 = f64x2.add(d1, f64x2.mul(x, t1));
  }
  const low = f64x2.add(f64x2.splat(index), f64x2(0, 1));
  const high = f64x2.add(f64x2.splat(index), f64x2(2, 3));
  keepBetter(best, a0, low, a1, high);
  keepBetter(best + BEST, b0, low, b1, high);
  keepBetter(best + 2 * BEST, c0, low, c1, high);
  keepBetter(best + 3 * BEST, d0, low, d1, high);
}

/** Centres come in rising order and only a strictly larger score wins, so a tie stays with the lower index. */
// @ts-ignore: decorator of AssemblyScript, which the TypeScript compiler does not know
@inline
function keepBetter(best: usize, s0: v128, i0: v128, s1: v128, i1: v128): void {
  let score = v128.load(best);
  let index = v128.load(best, 16);
  const first = f64x2.gt(s0, score);
  score = v128.bitselect(s0, score, first);
  index = v128.bitselect(i0, index, first);
  const second = f64x2.gt(s1, score);
  v128.store(best, v128.bitselect(s1, score, second));
  v128.store(best, v128.bitselect(i1, index, second), 16);
}

/** The better of the even and the odd lane. */
// @ts-ignore: decorator of AssemblyScript, which the TypeScript compiler does not know
@inline
function winner(best: usize): i32 {
  const even = load<f64>(best), odd = load<f64>(best, 8);
  const evenIndex = load<f64>(best, 16), oddIndex = load<f64>(best, 24);
  return <i32>(odd > even || (odd == even && oddIndex < evenIndex) ? oddIndex : evenIndex);
}

/**
 * Adds every row to `sums[label]`, counts it, and returns `inertia` plus the squared distances of the rows to their
 * centres. The distance is summed from differences: |x|^2 - 2 x.c + |c|^2 loses its digits far from the origin.
 * `centres` and `sums` are row-major; counts are float64.
 */
export function accumulate(
  points: usize,
  rows: usize,
  dims: usize,
  centres: usize,
  labels: usize,
  sums: usize,
  counts: usize,
  inertia: f64,
): f64 {
  const stride = dims * 8;
  const quads = stride & ~31;
  let row = points;
  for (let r: usize = 0; r < rows; r++, row += stride) {
    const label: usize = load<i32>(labels + r * 4);
    const count = counts + label * 8;
    store<f64>(count, load<f64>(count) + 1);
    const sum = sums + label * stride;
    const centre = centres + label * stride;
    let e0 = f64x2.splat(0), e1 = f64x2.splat(0);
    let at: usize = 0;
    for (; at < quads; at += 32) {
      const x0 = v128.load(row + at), x1 = v128.load(row + at, 16);
      v128.store(sum + at, f64x2.add(v128.load(sum + at), x0));
      v128.store(sum + at, f64x2.add(v128.load(sum + at, 16), x1), 16);
      const g0 = f64x2.sub(x0, v128.load(centre + at)), g1 = f64x2.sub(x1, v128.load(centre + at, 16));
      e0 = f64x2.add(e0, f64x2.mul(g0, g0));
      e1 = f64x2.add(e1, f64x2.mul(g1, g1));
    }
    let tail: f64 = 0;
    for (; at < stride; at += 8) {
      const x = load<f64>(row + at);
      store<f64>(sum + at, load<f64>(sum + at) + x);
      const gap = x - load<f64>(centre + at);
      tail += gap * gap;
    }
    const e = f64x2.add(e0, e1);
    inertia += f64x2.extract_lane(e, 0) + f64x2.extract_lane(e, 1) + tail;
  }
  return inertia;
}
