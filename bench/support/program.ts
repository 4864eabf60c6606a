import { join } from 'node:path';
import { startProcess } from '../../scripts/process.ts';

const programs = join(import.meta.dirname, '..', 'programs');

export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** The first line it printed. */
  readonly url: string;
}

/** Starts a program of `bench/programs` in a process of its own; it is ready when it has printed its URL. */
export function startProgram(name: string, args: readonly string[]): Promise<Program> {
  return new Promise((resolve, reject) => {
    const child = startProcess(process.execPath, ['--conditions=source', join(programs, name), ...args], {
      watch: 'stdin',
      onLine: (line, stream) => {
        if (stream === 'stderr') console.error(line);
        else resolve({ pid: child.pid, url: line, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() });
      },
    });
    child.exited.then(({ code }) => reject(new Error(`${name} ended with ${code}`)), reject);
  });
}
