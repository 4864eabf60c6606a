import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputFileError } from './input-error.ts';

/** A file of points and how its fragment is made from it. */
export interface Source {
  /** Absolute. */
  readonly path: string;
  /**
   * True: every node finds the file under this path (a shared disk, a volume, an image), and reads it where the task
   * runs. False: only this node is known to have it, and the runtime brings it to where it is read.
   */
  readonly everywhere: boolean;
}

/** Marks a file that is there on every node, as the deployment test of the k-means writes it. */
const EVERYWHERE = '@';
const READABLE = /\.(npy|csv|tsv)$/i;

/**
 * Reads `a.npy,@/data/b.npy,@/data/folder`: names with commas between them. A folder stands for its `.npy`, `.csv` and
 * `.tsv` files in the order of their names; it is looked into here.
 */
export function parseSources(names: string): Source[] {
  const sources = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .flatMap(expand);
  if (sources.length === 0) throw new RangeError('k-means needs at least one file');
  return sources;
}

function expand(name: string): Source[] {
  const everywhere = name.startsWith(EVERYWHERE);
  const path = resolve(everywhere ? name.slice(EVERYWHERE.length) : name);
  const found = existsSync(path);
  if (found && statSync(path).isDirectory()) {
    const files = readdirSync(path).filter((file) => READABLE.test(file));
    if (files.length === 0) throw new InputFileError(path, 'has no .npy, .csv or .tsv file');
    return files.sort().map((file) => ({ path: join(path, file), everywhere }));
  }
  // A file that is everywhere is looked for by the task that reads it: this node may be the one that lacks it.
  if (!found && !everywhere) throw new InputFileError(path, 'no such file', 'ERR_INPUT_FILE_MISSING');
  return [{ path, everywhere }];
}
