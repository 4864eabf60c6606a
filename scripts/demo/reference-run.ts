import { join } from 'node:path';
import type { KmeansOptions, Model } from '../../examples/kmeans/model.ts';
import { startProcess } from '../process.ts';

const program = join(import.meta.dirname, '../../examples/kmeans/reference.ts');

/** The plain single-process k-means, in a process of its own: the plain kernel, no runtime, nothing shared with agents. */
export async function runReference(
  files: readonly string[],
  options: KmeansOptions,
  signal: AbortSignal,
): Promise<Model> {
  let last = '';
  await using run = startProcess(
    process.execPath,
    ['--conditions=source', program, JSON.stringify({ ...options, files })],
    {
      watch: 'guard',
      onLine: (line, stream) => {
        if (stream === 'stdout') last = line;
        else console.error(line);
      },
    },
  );
  const stop = (): void => run.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  try {
    const { code } = await run.exited;
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`the plain run ended with ${code}`);
    return JSON.parse(last) as Model;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
