import { spawn } from 'node:child_process';

/** Output of a command that ended with 0; else an error with what it said. */
export function output(command: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal === undefined ? {} : { signal }),
    });
    let stdout = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      all += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      all += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout.trim());
      else reject(new Error(`${command} ${args.slice(0, 2).join(' ')} ended with ${code}: ${all.trim()}`));
    });
  });
}

/** The Docker command line, with the engine that DOCKER_HOST names. */
export const docker = (args: readonly string[], signal?: AbortSignal): Promise<string> =>
  output('docker', args, signal);

export async function isThere(command: string, args: readonly string[]): Promise<boolean> {
  return output(command, args).then(
    () => true,
    () => false,
  );
}
