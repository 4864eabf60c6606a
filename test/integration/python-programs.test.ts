import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applicationList } from '../../src/contracts/agent/views.ts';
import { preparePython } from '../support/debian-packages.ts';
import { itWhen } from '../support/it-when.ts';
import {
  bindings,
  inPlainPython,
  onOneAgent,
  type ProgramRun,
  type PythonSetting,
  runProgram,
  ThreeAgents,
} from '../support/python-modes.ts';
import { RunningAgent } from '../support/running-agent.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = join(import.meta.dirname, '../..');
const examples = join(root, 'examples/python');
const python = preparePython(['numpy', 'dill']);
const setting: PythonSetting = { interpreter: python.interpreter };
const itWithModules = itWhen(python.problem === undefined, python.problem ?? '');

describe('PyCOMPSs programs', () => {
  test('the tests of the package pass as a program whose tasks run in workers', { timeout: 120_000 }, async () => {
    using logs = tempDir('python-logs');
    const file = join(bindings, 'tests/under_runtime.py');
    const flags = ['--quiet', '--cpus=2', `--python=${python.interpreter}`, `--log-dir=${logs.path}`];
    const { code } = await runProgram(join(root, 'bin/metakernel'), ['run', ...flags, file], setting);
    const report = readFileSync(join(logs.path, 'jobs/job1_NEW.err'), 'utf8');
    expect(code, report).toBe(0);
    expect(Number(/^Ran (\d+) tests/m.exec(report)?.[1])).toBeGreaterThan(70);
  });

  test('and with workers on three agents', { timeout: 180_000 }, async () => {
    using logs = tempDir('python-logs');
    const appPath = join(bindings, 'tests');
    const flags = [`--python=${python.interpreter}`, '--drain-ms=0', '--log-level=error'];
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
    const plain = await inPlainPython(file, [], setting);
    const distributed = await onOneAgent(file, [], setting);
    expect([plain.code, distributed.code]).toEqual([0, 0]);
    expect(plain.stdout[1]).toBe('same class True');
    expect(results(distributed)).toEqual(results(plain));
  });

  const programs: readonly [file: string, args: readonly string[]][] = [
    ['kmeans.py', ['--points', '800', '--fragments', '4']],
    ['matmul.py', ['--blocks', '2', '--size', '32']],
    ['svm.py', ['--parts', '3', '--points', '40']],
    ['daura.py', ['--size', '20']],
    ['forest.py', []],
    ['sweep.py', []],
  ];
  itWithModules(
    'the examples give on one agent and on three what they give in plain Python',
    async () => {
      await using agents = await ThreeAgents.start(examples, setting);
      for (const [name, args] of programs) {
        const file = join(examples, name);
        const runs = [
          await inPlainPython(file, args, setting),
          await onOneAgent(file, args, setting),
          await agents.run(name, args),
        ];
        for (const { code, stderr } of runs) expect(code, `${name}\n${stderr.join('\n')}`).toBe(0);
        const [plain, one, three] = runs.map(results);
        expect(plain?.length, name).toBeGreaterThan(0);
        expect(one, name).toEqual(plain);
        expect(three, name).toEqual(plain);
      }
    },
    300_000,
  );

  itWithModules('a notebook has an agent of its own', async () => {
    const command = `exec "$0" - < '${join(bindings, 'tests/notebook.txt')}'`;
    const { code, stdout, stderr } = await runProgram('sh', ['-c', command, python.interpreter], setting);
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
  });
});

/** What a program has printed that does not depend on the time it took. */
const results = ({ stdout }: ProgramRun): string[] =>
  stdout.filter((line) => !/ in \d/.test(line) && line.trim() !== 'null');
