import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { preparePrograms, preparePython } from '../support/debian-packages.ts';
import { inPlainPython, onOneAgent, type ProgramRun, ThreeAgents } from '../support/python-modes.ts';

/** Each has a case for every row of a part of PyCOMPSs's interface. */
const folder = join(import.meta.dirname, 'fixtures/pycompss');
const programs = readdirSync(folder).filter((name) => name.endsWith('.py') && name !== 'rows.py');
const { interpreter } = preparePython(['numpy', 'dill']);
preparePrograms(['mpirun']);
const setting = { interpreter, env: { ROWS_UNITS: '1' } };

type Cases = ReadonlyMap<string, string>;

/** What each case printed, by its name. */
function casesOf({ stdout }: ProgramRun): Cases {
  const pairs = stdout.map((line) => line.split('\t')).filter((parts) => parts.length === 2);
  return new Map(pairs as [string, string][]);
}

const NEEDS_RUNTIME = 'needs the runtime';

describe('every row of the tables of PyCOMPSs', () => {
  let agents: ThreeAgents;
  beforeAll(async () => {
    agents = await ThreeAgents.start(folder, setting);
  }, 120_000);
  afterAll(() => agents[Symbol.asyncDispose]());

  test('has a program', () => {
    expect(programs.sort()).toEqual([
      'collection_parameters.py',
      'constraints.py',
      'decorators.py',
      'file_parameters.py',
      'functions.py',
      'parameters.py',
      'returns.py',
      'task_arguments.py',
    ]);
  });

  test.each(programs)(
    '%s gives on one agent and on three what it gives in plain Python',
    { timeout: 300_000 },
    async (name) => {
      const file = join(folder, name);
      const plain = await inPlainPython(file, [], setting);
      const one = await onOneAgent(file, [], setting);
      const three = await agents.run(name);
      for (const run of [plain, one, three]) {
        expect(run.code, run.stderr.join('\n')).toBe(0);
        expect(
          run.stdout.filter((line) => line.includes('\tFAILED ')),
          run.stderr.join('\n'),
        ).toEqual([]);
      }
      const [outside, alone, pool] = [plain, one, three].map(casesOf) as [Cases, Cases, Cases];
      expect([...pool]).toEqual([...alone]);
      expect(outside.size).toBeGreaterThan(7);
      expect([...alone.keys()]).toEqual([...outside.keys()]);
      for (const [key, line] of outside)
        if (line !== NEEDS_RUNTIME) expect(alone.get(key), key).toBe(line);
        else expect(alone.get(key), key).not.toBe(NEEDS_RUNTIME);
    },
  );
});
