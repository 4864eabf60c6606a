/**
 * The data set of the k-means deployment test, `dataset_800000_100`: twelve files `i_j.npy` (i 0..3, j 0..2) of float64
 * points. Run as a program it makes what is missing: `node dataset.ts [points] [folder]`.
 *
 * The points lie around CLUSTERS centres that are themselves drawn at random; each coordinate is centre + bell noise
 * (random.ts), SPREAD apart so that neighbouring clusters overlap a little and Lloyd's iteration has work to do. Every
 * file has a stream of its own, so files can be made in any order and in parallel, and are the same on every machine.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openNpy, writeNpy } from './npy.ts';
import { createRandom } from './random.ts';

export const DIMS = 100;
export const DEFAULT_POINTS = 800_000;
const SITES = 4;
const PARTS = 3;
const CLUSTERS = 8;
/** Standard deviation of the clusters' centres; that of the points around them is 1. */
const SPREAD = 0.25;
const SEED = 20_240_301;
/** Stream numbers: 0 for the centres, 1 and up for the files. */
const CENTRES_STREAM = 0;
const CHUNK_ROWS = 2_000;

export interface DatasetFile {
  readonly path: string;
  readonly rows: number;
  readonly stream: number;
}

/** The folder and the files of a data set; the first files take the points that do not divide by twelve. */
export function datasetFiles(folder: string, points: number): DatasetFile[] {
  const count = SITES * PARTS;
  return Array.from({ length: count }, (_, n) => ({
    path: join(folder, `dataset_${points}_${DIMS}`, `${Math.floor(n / PARTS)}_${n % PARTS}.npy`),
    rows: Math.floor(points / count) + (n < points % count ? 1 : 0),
    stream: n + 1,
  }));
}

/**
 * Makes the files that are missing or not what they should be, on all cores. Returns all paths, in order. Rejects with the
 * reason of the signal when that is aborted; whole files stay, what was begun goes.
 */
export async function makeDataset(
  folder: string,
  points: number,
  onFile: (done: number, total: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<string[]> {
  const files = datasetFiles(folder, points);
  const missing = files.filter((file) => !isValid(file));
  let done = files.length - missing.length;
  if (missing.length > 0) {
    const target = dirname(files[0]!.path);
    mkdirSync(target, { recursive: true });
    const queue = [...missing];
    const workers = Math.min(availableParallelism(), missing.length);
    await Promise.all(Array.from({ length: workers }, () => drain(queue, () => onFile(++done, files.length), signal)));
    if (signal?.aborted === true) removeBegun(target);
    signal?.throwIfAborted();
  }
  return files.map((file) => file.path);
}

/** A file is taken as it is when its header, its size and its first chunk are right. */
function isValid(file: DatasetFile): boolean {
  try {
    using npy = openNpy(file.path);
    if (npy.rows !== file.rows || npy.columns !== DIMS) return false;
    const expected = rowsOf(file).next().value as Float64Array;
    const found = new Float64Array(expected.length);
    npy.readInto(found);
    return found.every((value, i) => value === expected[i]);
  } catch {
    return false;
  }
}

/** Of this process: another one may be at work in the same folder. */
function removeBegun(target: string): void {
  const ending = `.${process.pid}.part`;
  for (const name of readdirSync(target)) if (name.endsWith(ending)) rmSync(join(target, name));
}

function drain(queue: DatasetFile[], onFile: () => void, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: 'dataset' });
    const next = (): void => {
      const file = queue.shift();
      if (file === undefined) worker.postMessage(undefined);
      else worker.postMessage(file);
    };
    worker.on('message', () => {
      onFile();
      next();
    });
    worker.once('error', reject);
    const stop = (): void => void worker.terminate();
    signal?.addEventListener('abort', stop);
    worker.once('exit', () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    if (signal?.aborted === true) stop();
    next();
  });
}

function writeDatasetFile(file: DatasetFile): void {
  writeNpy(file.path, [file.rows, DIMS], rowsOf(file));
}

function* rowsOf({ rows, stream }: DatasetFile): Generator<Float64Array> {
  const centres = clusterCentres();
  const random = createRandom(SEED, stream);
  for (let first = 0; first < rows; first += CHUNK_ROWS) {
    const chunk = new Float64Array(Math.min(CHUNK_ROWS, rows - first) * DIMS);
    for (let at = 0; at < chunk.length; at += DIMS) {
      const centre = random.below(CLUSTERS) * DIMS;
      for (let d = 0; d < DIMS; d++) chunk[at + d] = centres[centre + d]! + random.bell();
    }
    yield chunk;
  }
}

function clusterCentres(): Float64Array {
  const random = createRandom(SEED, CENTRES_STREAM);
  return Float64Array.from({ length: CLUSTERS * DIMS }, () => SPREAD * random.bell());
}

if (!isMainThread && workerData === 'dataset') {
  parentPort!.on('message', (file: DatasetFile | undefined) => {
    if (file === undefined) parentPort!.close();
    else {
      writeDatasetFile(file);
      parentPort!.postMessage('done');
    }
  });
} else if (isMainThread && import.meta.main) {
  const points = Number(process.argv[2] ?? DEFAULT_POINTS);
  await makeDataset(process.argv[3] ?? 'data', points, (done, total) => console.log(`${done} of ${total} files`));
}
