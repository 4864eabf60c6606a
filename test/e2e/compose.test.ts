import { join } from 'node:path';
import { expect, test } from 'vitest';
import { engineMissing, openEngine } from '../../scripts/demo/engine.ts';
import { startProcess } from '../../scripts/process.ts';
import { findCompose } from '../support/compose/composition.ts';
import { postgresProblem } from '../support/postgres.ts';
import { prometheusProblem } from '../support/prometheus.ts';

const program = join(import.meta.dirname, '../support/compose/run.ts');
const missing =
  (await engineMissing()) ??
  ((await findCompose()) === undefined ? 'there is no docker compose' : undefined) ??
  postgresProblem() ??
  prometheusProblem();

test('the compose file comes up, deploys an agent, loses each of its services in turn, and leaves nothing', async (context) => {
  // A real part (engine, compose, PostgreSQL, Prometheus) cannot be had here: `missing` says which, and is printed.
  if (missing !== undefined) return context.skip(missing);
  const lines: string[] = [];
  await using engine = await openEngine(new AbortController().signal);
  const [command = process.execPath, ...args] = [...engine.enter, process.execPath, '--conditions=source', program];
  await using run = startProcess(command, args, {
    watch: 'guard',
    graceMs: 60_000,
    env: engine.env,
    onLine: (line) => lines.push(line),
  });
  const { code } = await run.exited;
  expect(code, lines.join('\n')).toBe(0);
}, 540_000);
