import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SOURCE = 'examples/kmeans/assembly/kernel.ts';
const TARGET = 'examples/kmeans/kernel.wasm';
const OPTIONS = ['--optimizeLevel', '3', '--runtime', 'stub', '--noAssert', '--enable', 'simd'];

/** The k-means kernel from its AssemblyScript source: the same source and compiler give the same bytes. */
export default async function kmeansKernel(): Promise<Map<string, Uint8Array>> {
  const root = join(import.meta.dirname, '../..');
  const compiler = join(root, 'node_modules/assemblyscript/bin/asc.js');
  const directory = await mkdtemp(join(tmpdir(), 'metakernel-asc-'));
  try {
    const output = join(directory, 'kernel.wasm');
    await promisify(execFile)(process.execPath, [compiler, SOURCE, '--outFile', output, ...OPTIONS], { cwd: root });
    return new Map([[TARGET, await readFile(output)]]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
