import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createProgramExecutor } from '../../src/runtime/executor/binary/program-executor.ts';
import type { VersionId } from '../../src/runtime/model/ids.ts';
import type { ExecutionRequest, Executor } from '../../src/runtime/ports.ts';
import { ContainerEngine, engineMissing } from '../support/container-engine.ts';
import {
  type AttemptOf,
  fileAccess as file,
  Mark,
  refsOfMarks as refs,
  TestExecutorHost,
} from '../support/executor-host.ts';
import { tempDir } from '../support/temp-dir.ts';

const IMAGE = 'programs';
const missing = await engineMissing();

describe.skipIf(missing !== undefined)(`containers${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let engine: ContainerEngine;
  let dir: ReturnType<typeof tempDir>;
  let host: TestExecutorHost;
  let executor: Executor;
  let requests: ExecutionRequest[];

  beforeAll(async () => {
    engine = await ContainerEngine.start();
    await engine.makeImage(IMAGE);
  });
  afterAll(() => engine[Symbol.asyncDispose]());
  beforeEach(() => {
    dir = tempDir('containers');
    host = new TestExecutorHost();
    requests = [];
    const environment = { PATH: process.env['PATH'] ?? '', DOCKER_HOST: engine.host };
    executor = createProgramExecutor(host, { slots: 2, codePaths: [], directories: [], environment, graceMs: 100 });
  });
  afterEach(async () => {
    await executor[Symbol.asyncDispose]();
    expect(await host.close(requests)).toEqual({ versions: 0, regionBytes: 0 });
    expect(await engine.docker('ps', '--all', '--quiet')).toBe('');
    dir[Symbol.dispose]();
  });

  interface ContainerOf extends Omit<AttemptOf, 'method'> {
    readonly program: string;
    readonly settings?: object;
  }
  const start = ({ program, settings = {}, ...of }: ContainerOf): ExecutionRequest => {
    const plain = host.attempt({ ...of, method: '', refs });
    const workingDir = join(dir.path, `t${plain.invocation}`);
    mkdirSync(workingDir);
    const implementation = {
      language: 'CONTAINER' as const,
      module: program,
      method: '',
      settings: { image: IMAGE, options: ['--network=none'], ...settings },
    };
    const request = { ...plain, implementation, workingDir };
    requests.push(request);
    executor.execute([request]);
    return request;
  };
  const run = async (of: ContainerOf) => {
    const request = start(of);
    return { request, outcome: await host.outcome(request) };
  };

  it('run with files, variables and exit values', async () => {
    const version = host.newVersion(null);
    host.store.free(version);
    const path = join(dir.path, 'kept');
    writeFileSync(path, 'b\na\n');
    host.store.putFile(version, path, 4, false);
    const { request, outcome } = await run({
      program: 'sh',
      args: ['-c', 'sort "$0" > "$1"; echo $OMP_NUM_THREADS; exit 4', new Mark(0), new Mark(1)],
      accesses: [file('IN', 'in.txt'), file('OUT', 'out.txt')],
      inputs: [version, undefined],
      settings: { failByExitValue: false },
    });
    expect(outcome).toMatchObject({ status: 'completed', outputs: [{ bytes: 4 }, {}] });
    expect([host.value(request, 1), host.printed.get(request.invocation)?.stdout]).toEqual([4, '1\n']);
  });

  it('read standard input from a file', async () => {
    const version: VersionId = host.newVersion(null);
    host.store.free(version);
    writeFileSync(join(dir.path, 'kept'), 'hello');
    host.store.putFile(version, join(dir.path, 'kept'), 5, false);
    const { request } = await run({
      program: 'cat',
      args: [new Mark(0)],
      accesses: [file('IN', 'in.txt')],
      inputs: [version],
      settings: { parameters: [{ stream: 'STDIN' }], result: 'stdout' },
    });
    expect(host.value(request)).toBe('hello');
  });

  it('are refused with the reason of the engine', async () => {
    expect((await run({ program: 'sh', settings: { options: ['--no-such-option'] } })).outcome).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_CONTAINER_ENGINE', message: expect.stringContaining('no-such-option') },
    });
    expect((await run({ program: 'sh', settings: { engine: 'podman' } })).outcome).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_CONTAINER_UNAVAILABLE' },
    });
  });

  it.each(['cancel', 'time out'])('%s removes the container, also one that ignores signals', async (how) => {
    const script = 'trap "" TERM; echo up; sleep 600; sleep 600';
    const limit = how === 'cancel' ? {} : { timeOutMs: 3000 };
    const request = start({ program: 'sh', args: ['-c', script], ...limit });
    await host.until(() => host.printed.get(request.invocation)?.stdout === 'up\n');
    if (how === 'cancel') executor.cancel(request.invocation, 'test');
    expect(await host.outcome(request)).toMatchObject({ status: how === 'cancel' ? 'cancelled' : 'failed' });
  });
});
