import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Handle, VersionId } from '../../src/runtime/model/ids.ts';
import type { ExecutionRequest, Executor, ExecutorHost } from '../../src/runtime/ports.ts';
import { type AttemptOf, TestExecutorHost, type TestLanguage } from '../support/executor-host.ts';
import { itWhen } from '../support/it-when.ts';
import { partClosed, partOpened } from '../support/leftovers.ts';
import { tempDir } from '../support/temp-dir.ts';

/** How a suite makes the executor under test. */
export type MakeExecutor = (
  host: ExecutorHost,
  options: { slots: number; checkInputs?: boolean; graceMs?: number },
) => Executor;

/** Stands for an access in an argument list. */
class Mark {}
const mark = new Mark();
const refs = (value: object): number => (value instanceof Mark ? 0 : -1);
const access = (direction: 'IN' | 'INOUT') => [{ handle: 0 as Handle, direction, kind: 'value' as const }];

/** The language of an executor, and what it has no use for. */
export interface SuiteLanguage extends TestLanguage {
  /** Name of the error class that `fails` throws. */
  readonly errorName: string;
  readonly asynchronous: boolean;
  /** Readers get memory that others see, so that a write to it must be caught. */
  readonly sharesInputs: boolean;
}

const JAVASCRIPT: SuiteLanguage = {
  language: 'JS',
  module: 'tasks.mjs',
  errorName: 'TypeError',
  asynchronous: true,
  sharesInputs: true,
};

/** What every executor of functions must do, whatever language: each calls it with its own fixtures. */
export function executorSuite(name: string, make: MakeExecutor, language: SuiteLanguage = JAVASCRIPT): void {
  describe(`executor: ${name}`, () => {
    let host: TestExecutorHost;
    let executor: Executor;
    let requests: ExecutionRequest[];

    beforeEach(() => {
      partOpened();
      host = new TestExecutorHost(language);
      requests = [];
      executor = make(host, { slots: 2, graceMs: 50 });
    });

    afterEach(async () => {
      await executor[Symbol.asyncDispose]();
      expect(await host.close(requests)).toEqual({ versions: 0, regionBytes: 0 });
      await partClosed();
    });

    const start = (...attempts: AttemptOf[]): ExecutionRequest[] => {
      const batch = attempts.map((of) => host.attempt(of));
      requests.push(...batch);
      executor.execute(batch);
      return batch;
    };
    const run = async (of: AttemptOf) => {
      const [request] = start(of);
      const outcome = await host.outcome(request as ExecutionRequest);
      return { request: request as ExecutionRequest, outcome };
    };

    it('returns what the function returns', async () => {
      const { request, outcome } = await run({ method: 'add', args: [2, 3] });
      expect(outcome).toMatchObject({ status: 'completed', outputs: [{ inline: true }] });
      expect(host.value(request)).toBe(5);
    });

    itWhen(language.asynchronous, 'the language has no asynchronous tasks')(
      'runs asynchronous functions and says that they have started',
      async () => {
        const { request } = await run({ method: 'later', args: ['x'] });
        expect(host.value(request)).toBe('x');
        expect(host.startedOnes).toContain(request.invocation);
      },
    );

    it('splits several returns over their versions and refuses a wrong number', async () => {
      const { request } = await run({ method: 'pair', args: [1, 2], returns: 2 });
      expect([host.value(request, 0), host.value(request, 1)]).toEqual([1, 2]);
      const wrong = await run({ method: 'pair', args: [1, 2], returns: 3 });
      expect(wrong.outcome).toMatchObject({ status: 'failed', error: { code: 'ERR_RETURN_COUNT' } });
    });

    it('reports what was thrown, with name and stack', async () => {
      const { outcome } = await run({ method: 'fails', args: ['no luck'] });
      expect(outcome).toMatchObject({ status: 'failed', error: { name: language.errorName, message: 'no luck' } });
      expect((outcome as { error: { stack: string } }).error.stack).toContain(basename(language.module).split('.')[0]);
    });

    it.each([
      [{ method: 'absent' }, 'ERR_FUNCTION_UNKNOWN'],
      [{ method: 'add', module: 'absent' }, 'ERR_MODULE_UNKNOWN'],
      [{ method: 'add', module: '../executor.ts' }, 'ERR_MODULE_OUTSIDE_CODE_PATH'],
    ])('refuses %j with %s', async (of, code) => {
      const { outcome } = await run(of);
      expect(outcome).toMatchObject({ status: 'failed', error: { code } });
    });

    it('puts large results into shared memory and gives them on without a copy of its own', async () => {
      const length = 100_000;
      const { request, outcome } = await run({ method: 'big', args: [length] });
      expect(outcome).toMatchObject({ status: 'completed', outputs: [{ inline: false }] });
      const total = await run({
        method: 'sum',
        args: [mark],
        refs,
        accesses: access('IN'),
        inputs: [request.outputs[0] as VersionId],
      });
      expect(host.value(total.request)).toBe(1.5 * length);
    });

    it('lets a writer change a copy, never what others read', async () => {
      const version = host.newVersion(new Float64Array(20_000).fill(1));
      const { request } = await run({
        method: 'double',
        args: [mark],
        refs,
        returns: 0,
        accesses: access('INOUT'),
        inputs: [version],
      });
      expect((host.value(request) as Float64Array)[19_999]).toBe(2);
      const before = await run({ method: 'sum', args: [mark], refs, accesses: access('IN'), inputs: [version] });
      expect(host.value(before.request)).toBe(20_000);
    });

    itWhen(language.sharesInputs, 'tasks of the language get copies of their inputs')(
      'catches a write to an input when it is told to check',
      async () => {
        await executor[Symbol.asyncDispose]();
        executor = make(host, { slots: 1, checkInputs: true });
        const version = host.newVersion(new Float64Array(20_000).fill(1));
        const { outcome } = await run({
          method: 'tampers',
          args: [mark],
          refs,
          returns: 0,
          accesses: access('IN'),
          inputs: [version],
        });
        expect(outcome).toMatchObject({ status: 'failed', error: { code: 'ERR_INPUT_MODIFIED' } });
      },
    );

    it('keeps stdout and stderr of each attempt apart', async () => {
      const [one, two] = start({ method: 'prints', args: ['one'] }, { method: 'prints', args: ['two'] }) as [
        ExecutionRequest,
        ExecutionRequest,
      ];
      // The two streams have no common order.
      await host.until(() =>
        [one, two].every(({ invocation }) => {
          const printed = host.printed.get(invocation);
          return printed?.stdout.length === 4 && printed.stderr.length === 9;
        }),
      );
      expect(host.printed.get(one.invocation)).toEqual({ stdout: 'one\n', stderr: 'error one' });
      expect(host.printed.get(two.invocation)).toEqual({ stdout: 'two\n', stderr: 'error two' });
      await host.outcome(one);
      await host.outcome(two);
    });

    it('settles each of many attempts once', async () => {
      const batch = start(...Array.from({ length: 2000 }, (_, i) => ({ method: 'echo', args: [i] })));
      for (const request of batch) expect(await host.outcome(request)).toMatchObject({ status: 'completed' });
      expect(batch.map((request) => host.value(request))).toEqual(batch.map((_, i) => i));
    });

    it('moves what waits behind long code to a thread that has nothing to do', async () => {
      using folder = tempDir('executor');
      const gate = join(folder.path, 'gate');
      const [long] = start({ method: 'holds', args: [gate], returns: 0 }) as [ExecutionRequest];
      const rest = start(...Array.from({ length: 50 }, (_, i) => ({ method: 'echo', args: [i] })));
      for (const request of rest) expect(await host.outcome(request)).toMatchObject({ status: 'completed' });
      expect(host.outcomes.has(long.invocation)).toBe(false);
      writeFileSync(gate, '');
      expect(await host.outcome(long)).toMatchObject({ status: 'completed' });
    });

    it('goes on beside code that never yields, whatever was taken back from its thread', async () => {
      using folder = tempDir('executor');
      const gate = join(folder.path, 'gate');
      const [long] = start({ method: 'holds', args: [gate], returns: 0 }) as [ExecutionRequest];
      for (let burst = 0; burst < 12; burst++) {
        const batch = start(...Array.from({ length: 300 }, (_, i) => ({ method: 'echo', args: [i] })));
        for (const request of batch) expect(await host.outcome(request)).toMatchObject({ status: 'completed' });
      }
      writeFileSync(gate, '');
      expect(await host.outcome(long)).toMatchObject({ status: 'completed' });
    });

    it('cancels what has not begun without running it, and stops what has by ending its thread', async () => {
      const [spin] = start({ method: 'spins', cpus: 2 }) as [ExecutionRequest];
      const [behind] = start({ method: 'echo', args: [1] }) as [ExecutionRequest];
      executor.cancel(behind.invocation, 'test');
      expect(await host.outcome(behind)).toEqual({ status: 'cancelled' });
      executor.cancel(spin.invocation, 'test');
      expect(await host.outcome(spin)).toEqual({ status: 'cancelled' });
      const { request } = await run({ method: 'add', args: [1, 1] });
      expect(host.value(request)).toBe(2);
    });

    it('gives back what has not begun, and only that', async () => {
      const [spin] = start({ method: 'spins', cpus: 2 }) as [ExecutionRequest];
      const [behind] = start({ method: 'echo', args: [1] }) as [ExecutionRequest];
      expect(executor.recall(behind.invocation)).toBe(true);
      expect(executor.recall(behind.invocation)).toBe(false);
      executor.cancel(spin.invocation, 'test');
      await host.outcome(spin);
      expect(host.outcomes.has(behind.invocation)).toBe(false);
    });

    it('ends code that runs longer than its time', async () => {
      const { outcome } = await run({ method: 'spins', timeOutMs: 20 });
      expect(outcome).toMatchObject({ status: 'failed', error: { code: 'ERR_TASK_TIMED_OUT' } });
    });

    it('loses only what ran on a thread that died', async () => {
      const [dead, alive] = start({ method: 'dies' }, { method: 'add', args: [1, 2] }) as [
        ExecutionRequest,
        ExecutionRequest,
      ];
      expect(await host.outcome(dead)).toMatchObject({ status: 'lost' });
      expect(await host.outcome(alive)).toMatchObject({ status: 'completed' });
      const { request } = await run({ method: 'add', args: [4, 4] });
      expect(host.value(request)).toBe(8);
    });
  });
}
