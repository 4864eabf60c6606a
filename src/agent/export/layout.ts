/**
 * Places a graph in layers, top down: ranks by longest path, order by barycentres, x by least squares. Linear in nodes
 * and edges for each of a fixed number of sweeps, so that a big or hostile graph cannot hold up the agent (a general
 * layout library took 30 s for 2,000 nodes with random edges).
 */
export interface Box {
  readonly width: number;
  readonly height: number;
}

export interface LayoutInput {
  readonly boxes: readonly Box[];
  /** Indices of boxes. Edges that close a cycle are drawn, but do not count for the ranks. */
  readonly edges: readonly { readonly from: number; readonly to: number }[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Centres, by box. */
  readonly centres: readonly Point[];
  /** Points that each edge passes, by edge: the two centres included. */
  readonly routes: readonly (readonly Point[])[];
}

const COLUMN_GAP = 14;
const RANK_GAP = 46;
const ROW_GAP = 10;
/** Real boxes in one row; a rank with more is folded into several. */
const MAX_ROW = 48;
const ORDER_SWEEPS = 8;
const PLACE_SWEEPS = 12;
/** Bends of long edges; beyond that they are drawn straight. */
const MAX_BENDS = 20_000;
const BEND: Box = { width: 2, height: 0 };

export function layoutGraph({ boxes, edges }: LayoutInput): Layout {
  const ranks = rankBoxes(boxes.length, edges);
  const mesh = buildMesh(boxes, edges, ranks);
  const rows = orderRows(mesh);
  const x = placeColumns(mesh, rows);
  const { y, height } = placeRanks(mesh, rows);
  const centres = boxes.map((_, index) => ({ x: x[index] ?? 0, y: y[index] ?? 0 }));
  const routes = mesh.chains.map((chain) => chain.map((index) => ({ x: x[index] ?? 0, y: y[index] ?? 0 })));
  return { ...framed(boxes, centres, routes), height };
}

// ------------------------------------------------------------------------------------------------ ranks

type Edges = LayoutInput['edges'];

/** Longest path from the sources; sources then sink to just above their first reader. */
function rankBoxes(count: number, edges: Edges): Int32Array {
  const forward = edges.filter(({ from, to }) => from !== to);
  const out = neighbours(count, forward, 'from', 'to');
  const order = topologicalOrder(count, forward, out);
  const place = new Int32Array(count);
  for (const [index, box] of order.entries()) place[box] = index;
  const ranks = new Int32Array(count);
  const readers = new Int32Array(count).fill(-1);
  const hasInput = new Uint8Array(count);
  for (const from of order) {
    for (const to of out[from] ?? []) {
      if (place[to]! < place[from]!) continue;
      ranks[to] = Math.max(ranks[to]!, ranks[from]! + 1);
      hasInput[to] = 1;
    }
  }
  for (const { from, to } of forward) {
    if (place[to]! < place[from]!) continue;
    readers[from] = readers[from] === -1 ? ranks[to]! : Math.min(readers[from]!, ranks[to]!);
  }
  for (let box = 0; box < count; box += 1) if (hasInput[box] === 0 && readers[box]! > 0) ranks[box] = readers[box]! - 1;
  return ranks;
}

function neighbours(count: number, edges: Edges, by: 'from' | 'to', other: 'from' | 'to'): number[][] {
  const lists: number[][] = Array.from({ length: count }, () => []);
  for (const edge of edges) lists[edge[by]]?.push(edge[other]);
  return lists;
}

/** Kahn's order; when only cycles are left, the first box left is taken as if it had no input. */
function topologicalOrder(count: number, edges: Edges, out: readonly (readonly number[])[]): number[] {
  const missing = new Int32Array(count);
  for (const { to } of edges) missing[to]! += 1;
  const order: number[] = [];
  const taken = new Uint8Array(count);
  const queue: number[] = [];
  const take = (box: number): void => {
    if (taken[box] === 1) return;
    taken[box] = 1;
    queue.push(box);
  };
  for (let box = 0; box < count; box += 1) if (missing[box] === 0) take(box);
  for (let next = 0; order.length < count; ) {
    const box = queue[order.length];
    if (box === undefined) {
      while (taken[next] === 1) next += 1;
      take(next);
      continue;
    }
    order.push(box);
    for (const to of out[box] ?? []) {
      missing[to]! -= 1;
      if (missing[to] === 0) take(to);
    }
  }
  return order;
}

// ------------------------------------------------------------------------------------------------ mesh

/** Boxes and the bends of long edges, with links between neighbouring ranks only. */
interface Mesh {
  readonly boxes: readonly Box[];
  readonly rank: readonly number[];
  /** Boxes that are no bends come first. */
  readonly real: number;
  readonly above: readonly (readonly number[])[];
  readonly below: readonly (readonly number[])[];
  readonly chains: readonly (readonly number[])[];
}

function buildMesh(real: readonly Box[], edges: Edges, ranks: Int32Array): Mesh {
  const boxes = [...real];
  const rank = [...ranks];
  const above: number[][] = real.map(() => []);
  const below: number[][] = real.map(() => []);
  const link = (from: number, to: number): void => {
    above[to]?.push(from);
    below[from]?.push(to);
  };
  const chains = edges.map(({ from, to }) => {
    const chain = [from];
    const bends = boxes.length - real.length < MAX_BENDS;
    for (let level = rank[from]! + 1; bends && level < rank[to]!; level += 1) {
      const bend = boxes.push(BEND) - 1;
      rank.push(level);
      above.push([]);
      below.push([]);
      link(chain.at(-1) ?? from, bend);
      chain.push(bend);
    }
    if (rank[to]! > rank[from]!) link(chain.at(-1) ?? from, to);
    return [...chain, to];
  });
  return { boxes, rank, real: real.length, above, below, chains };
}

// ------------------------------------------------------------------------------------------------ order

type Rows = number[][];

function orderRows(mesh: Mesh): Rows {
  const depth = mesh.rank.reduce((most, rank) => Math.max(most, rank), -1) + 1;
  const rows: Rows = Array.from({ length: depth }, () => []);
  for (const [box, rank] of mesh.rank.entries()) rows[rank]?.push(box);
  const place = new Float64Array(mesh.boxes.length);
  const number = (row: readonly number[]): void => {
    // Relative places, so that rows of different lengths compare.
    for (const [index, box] of row.entries()) place[box] = (index + 0.5) / row.length;
  };
  rows.forEach(number);
  for (let sweep = 0; sweep < ORDER_SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    const links = down ? mesh.above : mesh.below;
    for (const row of down ? rows : [...rows].reverse()) {
      sortByBarycentre(row, links, place);
      number(row);
    }
  }
  return rows;
}

function sortByBarycentre(row: number[], links: Mesh['above'], place: Float64Array): void {
  const key = new Map(row.map((box) => [box, mean(links[box] ?? [], place) ?? place[box]!]));
  row.sort((a, b) => key.get(a)! - key.get(b)! || place[a]! - place[b]!);
}

function mean(boxes: readonly number[], values: Float64Array): number | undefined {
  if (boxes.length === 0) return undefined;
  let sum = 0;
  for (const box of boxes) sum += values[box]!;
  return sum / boxes.length;
}

// ------------------------------------------------------------------------------------------------ columns

/** How many rows a rank is folded into. */
function foldOf(row: readonly number[], real: number): number {
  let count = 0;
  for (const box of row) if (box < real) count += 1;
  return Math.max(1, Math.ceil(count / MAX_ROW));
}

/** Each box goes to the mean of its neighbours as far as order and distances allow. */
function placeColumns(mesh: Mesh, rows: Rows): Float64Array {
  const x = new Float64Array(mesh.boxes.length);
  const offsets = rows.map((row) => offsetsOf(row, mesh));
  for (const [rank, row] of rows.entries()) {
    const total = offsets[rank]?.at(-1) ?? 0;
    for (const [index, box] of row.entries()) x[box] = (offsets[rank]?.[index] ?? 0) - total / 2;
  }
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    for (let step = 0; step < rows.length; step += 1) {
      const rank = down ? step : rows.length - 1 - step;
      settleRow(rows[rank] ?? [], offsets[rank] ?? [], down ? mesh.above : mesh.below, x);
    }
  }
  return x;
}

/** Smallest distance of each box from the first one of its row. */
function offsetsOf(row: readonly number[], mesh: Mesh): number[] {
  const fold = foldOf(row, mesh.real);
  let at = 0;
  return row.map((box, index) => {
    const before = index === 0 ? undefined : mesh.boxes[row[index - 1]!];
    if (before !== undefined) at += ((before.width + (mesh.boxes[box]?.width ?? 0)) / 2 + COLUMN_GAP) / fold;
    return at;
  });
}

/** Isotonic regression of the wanted places minus the offsets: the nearest placing that keeps order and distance. */
function settleRow(row: readonly number[], offsets: readonly number[], links: Mesh['above'], x: Float64Array): void {
  const blocks: { sum: number; count: number }[] = [];
  for (const [index, box] of row.entries()) {
    const wanted = mean(links[box] ?? [], x) ?? x[box]!;
    let block = { sum: wanted - offsets[index]!, count: 1 };
    for (
      let last = blocks.at(-1);
      last !== undefined && last.sum / last.count >= block.sum / block.count;
      last = blocks.at(-1)
    ) {
      block = { sum: last.sum + block.sum, count: last.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  }
  let index = 0;
  for (const { sum, count } of blocks) {
    for (const end = index + count; index < end; index += 1) x[row[index]!] = sum / count + offsets[index]!;
  }
}

// ------------------------------------------------------------------------------------------------ rows and frame

function placeRanks(mesh: Mesh, rows: Rows): { readonly y: Float64Array; readonly height: number } {
  const y = new Float64Array(mesh.boxes.length);
  let top = 0;
  for (const row of rows) {
    const tallest = row.reduce((most, box) => Math.max(most, mesh.boxes[box]?.height ?? 0), 0);
    const fold = foldOf(row, mesh.real);
    for (const [index, box] of row.entries()) {
      const line = box < mesh.real ? index % fold : (fold - 1) / 2;
      y[box] = top + tallest / 2 + line * (tallest + ROW_GAP);
    }
    top += fold * (tallest + ROW_GAP) - ROW_GAP + RANK_GAP;
  }
  return { y, height: Math.max(0, top - RANK_GAP) };
}

/** Moves everything so that the leftmost edge of a box, or bend, is at 0. */
function framed(boxes: readonly Box[], centres: Point[], routes: Point[][]): Omit<Layout, 'height'> {
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  for (const [index, { x }] of centres.entries()) {
    const half = (boxes[index]?.width ?? 0) / 2;
    left = Math.min(left, x - half);
    right = Math.max(right, x + half);
  }
  for (const { x } of routes.flat()) {
    left = Math.min(left, x);
    right = Math.max(right, x);
  }
  if (boxes.length === 0) return { width: 0, centres: [], routes: [] };
  const shift = ({ x, y }: Point): Point => ({ x: x - left, y });
  return { width: right - left, centres: centres.map(shift), routes: routes.map((route) => route.map(shift)) };
}
