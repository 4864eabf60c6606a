import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { preparePython } from '../support/debian-packages.ts';
import { findDislib } from '../support/dislib.ts';
import { itWhen } from '../support/it-when.ts';
import { inPlainPython, onOneAgent, type ProgramRun, ThreeAgents } from '../support/python-modes.ts';

const folder = join(import.meta.dirname, 'fixtures/dislib');
const file = join(folder, 'algorithms.py');
const python = preparePython(['numpy', 'scipy', 'sklearn']);
const dislib = python.problem === undefined ? findDislib(python.interpreter) : { folder: '', problem: python.problem };
const setting = { interpreter: python.interpreter, paths: [dislib.folder], env: { ComputingUnits: '1' } };
const itWithDislib = itWhen(dislib.problem === undefined, dislib.problem ?? '');

const results = ({ stdout }: ProgramRun): string[] => stdout.filter((line) => line.startsWith('dislib '));

describe('dislib as its authors publish it', () => {
  itWithDislib(
    'gives on one agent and on three what it gives in plain Python',
    async () => {
      const plain = await inPlainPython(file, [], setting);
      expect(plain.code, plain.stderr.join('\n')).toBe(0);
      expect(results(plain).length).toBe(17);
      const one = await onOneAgent(file, [], setting);
      expect(one.code, one.stderr.join('\n')).toBe(0);
      expect(results(one)).toEqual(results(plain));
      await using agents = await ThreeAgents.start(folder, setting);
      const three = await agents.run('algorithms.py');
      expect(three.code, three.stderr.join('\n')).toBe(0);
      expect(results(three)).toEqual(results(plain));
    },
    300_000,
  );
});
