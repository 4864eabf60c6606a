import { startProcess } from '../../scripts/process.ts';

export interface ProgramRun {
  readonly code: number | null;
  /** What it printed to stdout. */
  readonly lines: readonly string[];
}

/** Runs a file of this checkout in a process of its own, to its end. It dies with us. */
export async function runProgram(
  file: string,
  { args = [], env = {} }: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<ProgramRun> {
  const lines: string[] = [];
  await using child = startProcess(process.execPath, ['--conditions=source', file, ...args], {
    watch: 'guard',
    env: { ...process.env, ...env },
    onLine: (line, stream) => {
      if (stream === 'stdout') lines.push(line);
      else console.error(line);
    },
  });
  const { code } = await child.exited;
  return { code, lines };
}
