import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startProcess } from '../../scripts/process.ts';
import { applicationList } from '../../src/contracts/agent/views.ts';
import { itWhen } from '../support/it-when.ts';
import { RunningAgent } from '../support/running-agent.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = join(import.meta.dirname, '../..');
const bindings = join(root, 'bindings/python');
const examples = join(root, 'examples/python');

/** The system's interpreter has numpy and dill where Debian's packages are installed; any other one will do. */
const python = process.env['METAKERNEL_PYTHON'] ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
const env = { ...process.env, PYTHONPATH: bindings, PYTHONDONTWRITEBYTECODE: '1' };

const has = (module: string): boolean => {
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

interface Ran {
  readonly code: number | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

async function run(program: string, args: readonly string[], input?: string): Promise<Ran> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const command =
    input === undefined ? [program, ...args] : ['sh', '-c', `exec "$0" "$@" < '${input}'`, program, ...args];
  await using child = startProcess(command[0] ?? '', command.slice(1), {
    cwd: examples,
    env: { ...env, METAKERNEL_COMMAND: join(root, 'bin/metakernel') },
    watch: 'guard',
    onLine: (line, stream) => (stream === 'stdout' ? stdout : stderr).push(line),
  });
  const { code } = await child.exited;
  return { code, stdout, stderr };
}

const underRuntime = (file: string, args: readonly string[], ...flags: readonly string[]): Promise<Ran> =>
  run(join(root, 'bin/metakernel'), ['run', '--quiet', '--cpus=2', `--python=${python}`, ...flags, file, ...args]);

describe('PyCOMPSs programs', () => {
  test('the tests of the package pass as a program whose tasks run in workers', { timeout: 120_000 }, async () => {
    using logs = tempDir('python-logs');
    const file = join(bindings, 'tests/under_runtime.py');
    const { code } = await underRuntime(file, [], `--log-dir=${logs.path}`);
    const report = readFileSync(join(logs.path, 'jobs/job1_NEW.err'), 'utf8');
    expect(code, report).toBe(0);
    expect(Number(/^Ran (\d+) tests/m.exec(report)?.[1])).toBeGreaterThan(70);
  });

  test('and with workers on three agents', { timeout: 180_000 }, async () => {
    using logs = tempDir('python-logs');
    const appPath = join(bindings, 'tests');
    const flags = [`--python=${python}`, '--drain-ms=0', '--log-level=error'];
    const start = (name: string): Promise<RunningAgent> =>
      RunningAgent.start({ name, cpus: 2, appPath, flags: [...flags, `--log-dir=${join(logs.path, name)}`] });
    await using first = await start('first');
    await using second = await start('second');
    await using third = await start('third');
    await first.add(second, 2);
    await first.add(third, 2);
    const { exitCode } = await first.command('call', '--lang', 'PYTHON', '--quiet', 'under_runtime.py', '__main__');
    const report = readFileSync(join(logs.path, 'first/jobs/job1_NEW.err'), 'utf8');
    expect(exitCode, report).toBe(0);
    const { applications } = applicationList.parse(await first.get('/COMPSs/applications'));
    expect(Object.keys(applications[0]?.completedByNode ?? {}).sort()).toEqual(['first', 'second', 'third']);
  });

  test('values of classes of the program itself travel both ways', async () => {
    const file = join(bindings, 'tests/main_classes.py');
    const plain = await run(python, [file]);
    const distributed = await underRuntime(file, []);
    expect([plain.code, distributed.code]).toEqual([0, 0]);
    expect(plain.stdout[1]).toBe('same class True');
    expect(distributed.stdout.filter((line) => line !== 'null')).toEqual(plain.stdout);
  });

  const programs: readonly [file: string, args: readonly string[]][] = [
    ['kmeans.py', ['--points', '800', '--fragments', '4']],
    ['matmul.py', ['--blocks', '2', '--size', '32']],
    ['forest.py', []],
    ['sweep.py', []],
  ];
  test.skipIf(!has('numpy')).each(programs)(
    '%s gives with workers what it gives in plain Python',
    async (name, args) => {
      const results = (ran: Ran): string[] =>
        ran.stdout.filter((line) => !/ in \d/.test(line) && line.trim() !== 'null');
      const file = join(examples, name);
      const plain = await run(python, [file, ...args]);
      const distributed = await underRuntime(file, args);
      expect(plain.code, plain.stderr.join('\n')).toBe(0);
      expect(distributed.code, distributed.stderr.join('\n')).toBe(0);
      expect(results(plain).length).toBeGreaterThan(0);
      expect(results(distributed)).toEqual(results(plain));
    },
  );

  itWhen(has('dill') || has('cloudpickle'), 'neither dill nor cloudpickle is installed for python3')(
    'a notebook has an agent of its own',
    async () => {
      const { code, stdout, stderr } = await run(python, ['-'], join(bindings, 'tests/notebook.txt'));
      expect(code, stderr.join('\n')).toBe(0);
      expect(stdout).toEqual([
        'futures [1, 2, 3, 4, 5]',
        'objects [] [1, 3]',
        'collections [2, 4, 6]',
        'status 0',
        "names ['__main__#append', '__main__#double', '__main__#inc']",
        'graph True',
        "nodes ['local']",
        'left 7',
      ]);
    },
  );
});
