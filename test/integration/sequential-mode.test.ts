import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram } from '../support/node-program.ts';

const EXPECTED = {
  containers: ['{"list":[3,{"deep":3}]}', 'Map of 3', [3, 'text'], 3, [3]],
  parts: ['four', 4, 8],
  writtenFuture: [1, 2, 3],
  causes: ['ERR_TASK_FAILED', true, 'TypeError', 'on purpose', true],
  groups: ['ERR_TASK_EXCEPTION', 'ERR_TASK_FAILED', 2],
  delegates: 55,
  handsOver: [90_000, 30_000],
  deletesRead: 61,
};

it('with METAKERNEL=off programs of tasks run as plain code, with the values and error codes of an agent', async () => {
  const { code, lines } = await runProgram(join(import.meta.dirname, 'fixtures/plain.ts'), {
    args: ['model.ts', ...Object.keys(EXPECTED)],
    env: { METAKERNEL: 'off' },
  });
  expect(JSON.parse(lines.at(-1) ?? '')).toEqual(EXPECTED);
  expect(code).toBe(0);
}, 60_000);
