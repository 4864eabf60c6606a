import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPythonExecutor } from '../../src/runtime/executor/python-executor.ts';
import type { ExecutionRequest, Executor } from '../../src/runtime/ports.ts';
import { type AttemptOf, TestExecutorHost } from '../support/executor-host.ts';

const runs = Number(process.env['MK_PROPERTY_RUNS'] ?? 300);

const text = fc.string({ unit: 'binary', maxLength: 60 });
const leaf = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.boolean(),
  fc.constant(null),
  text,
  fc.bigInt({ min: 1n << 32n, max: 1n << 80n }),
  fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small' }, leaf, tie('list'), tie('record')),
  list: fc.array(tie('any'), { maxLength: 20 }),
  record: fc.dictionary(text, tie('any'), { maxKeys: 6 }),
})).any;

describe('values between JavaScript and Python', () => {
  let host: TestExecutorHost;
  let executor: Executor;
  let shared: string;
  const requests: ExecutionRequest[] = [];

  beforeEach(() => {
    shared = mkdtempSync(join(tmpdir(), 'mk-shared-'));
    host = new TestExecutorHost({ language: 'PYTHON', module: 'value_tasks' });
    executor = createPythonExecutor(host, {
      slots: 2,
      codePaths: [join(import.meta.dirname, 'fixtures/python')],
      sharedDir: shared,
      graceMs: 50,
      node: 'here',
    });
  });

  afterEach(async () => {
    await executor[Symbol.asyncDispose]();
    expect(await host.close(requests.splice(0))).toEqual({ versions: 0, regionBytes: 0 });
    // The folder of the user stays; what the executor made below it does not.
    expect(readdirSync(shared).flatMap((name) => readdirSync(join(shared, name)))).toEqual([]);
    rmSync(shared, { recursive: true });
  });

  async function run(...attempts: AttemptOf[]): Promise<ExecutionRequest[]> {
    const batch = attempts.map((of) => host.attempt(of));
    requests.push(...batch);
    executor.execute(batch);
    for (const request of batch) expect(await host.outcome(request)).toMatchObject({ status: 'completed' });
    return batch;
  }

  it('come back from Python as they went', async () => {
    const seed = Date.now();
    const values = fc.sample(value, { numRuns: runs, seed });
    const batch = await run(...values.map((one) => ({ method: 'echo', args: [one] })));
    batch.forEach((request, i) => {
      expect(normal(host.value(request)), `seed ${seed}, value ${i}`).toEqual(normal(values[i]));
    });
  });

  it('are numbers, sets, maps and arrays of Python too', async () => {
    const [typed, types] = await run(
      { method: 'doubled', args: [new Float64Array([1, 2.5])] },
      {
        method: 'types',
        args: [1, 1.5, 'x', [1], { a: 1 }, new Map([[1, 2]]), new Set([1]), Buffer.from('b'), 1n << 70n],
      },
    );
    expect(host.value(typed as ExecutionRequest)).toEqual(new Float64Array([2, 5]));
    expect(host.value(types as ExecutionRequest)).toEqual([
      'int',
      'float',
      'str',
      'list',
      'dict',
      'dict',
      'set',
      'bytes',
      'int',
    ]);
  });

  it('give a task of several units what it holds, and the next one its own', async () => {
    const [two, one] = (await run({ method: 'threads', cpus: 2 }, { method: 'threads' })) as [
      ExecutionRequest,
      ExecutionRequest,
    ];
    expect([host.value(two), host.value(one)]).toEqual(['2 2', '1 1']);
  });

  it('leave no file behind when a worker dies with one that nobody was told of', async () => {
    await run({ method: 'echo', args: [1] });
    const [lost] = [host.attempt({ method: 'writes_and_dies' })];
    requests.push(lost);
    executor.execute([lost]);
    expect(await host.outcome(lost)).toMatchObject({ status: 'lost' });
    const folders = readdirSync(shared, { recursive: true }).map(String);
    expect(folders.filter((path) => /\/v\/p\d/.test(path))).toEqual([]);
  });
});

/** -0 is an integer there, and integers beyond 32 bits are bigints here. */
function normal(value: unknown): unknown {
  if (typeof value === 'bigint') return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value;
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map(normal);
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, normal(one)]));
}
