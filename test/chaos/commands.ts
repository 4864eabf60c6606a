import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a program to its end; throws with what it said. */
export async function command(program: string, ...args: readonly string[]): Promise<string> {
  return (await run(program, [...args])).stdout;
}

/** The same inside the network namespace of a node. */
export const inNamespace = (namespace: string, ...words: readonly string[]): Promise<string> =>
  command('nsenter', `--net=/run/netns/${namespace}`, ...words);

/** Commands of `ip`, one a line. */
export function ip(lines: readonly string[]): void {
  const { status, stderr } = spawnSync('sh', ['-e'], {
    input: lines.map((line) => `ip ${line}\n`).join(''),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`ip: ${stderr}`);
}

export function mountTmpfs(path: string, sizeMb: number): void {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'none', path], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`mount: ${stderr}`);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
