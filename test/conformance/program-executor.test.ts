import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProgramExecutor } from '../../src/runtime/executor/binary/program-executor.ts';
import type { VersionId } from '../../src/runtime/model/ids.ts';
import type { ExecutionRequest, Executor } from '../../src/runtime/ports.ts';
import {
  type AttemptOf,
  fileAccess as file,
  Mark,
  refsOfMarks as refs,
  TestExecutorHost,
} from '../support/executor-host.ts';
import { processGone } from '../support/processes.ts';

interface ProgramOf extends Omit<AttemptOf, 'method'> {
  readonly program: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

let root: string;
let app: string;
let host: TestExecutorHost;
let executor: Executor;
let requests: ExecutionRequest[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mk-program-'));
  app = join(root, 'app');
  mkdirSync(app);
  host = new TestExecutorHost();
  requests = [];
  executor = createProgramExecutor(host, {
    slots: 2,
    codePaths: [app],
    directories: [app],
    environment: { PATH: process.env['PATH'] ?? '', SECRET: 'kept' },
    graceMs: 100,
  });
});

afterEach(async () => {
  await executor[Symbol.asyncDispose]();
  expect(await host.close(requests)).toEqual({ versions: 0, regionBytes: 0 });
  rmSync(root, { recursive: true, force: true });
});

function start({ program, settings, ...of }: ProgramOf): ExecutionRequest {
  const plain = host.attempt({ ...of, method: '', refs });
  const workingDir = join(root, `t${plain.invocation}`);
  mkdirSync(workingDir);
  const implementation = {
    language: 'BINARY' as const,
    module: program,
    method: '',
    ...(settings === undefined ? {} : { settings }),
  };
  const request = { ...plain, implementation, workingDir };
  requests.push(request);
  executor.execute([request]);
  return request;
}

async function run(of: ProgramOf) {
  const request = start(of);
  return { request, outcome: await host.outcome(request) };
}

function stored(name: string, content: string): VersionId {
  const version = host.newVersion(null);
  host.store.free(version);
  const path = join(root, name);
  writeFileSync(path, content);
  host.store.putFile(version, path, content.length, false);
  return version;
}

function contentOf(request: ExecutionRequest, index: number): string {
  const version = request.outputs[index] as VersionId;
  const value = host.store.acquire(version);
  host.store.release(version);
  return value?.in === 'file' ? readFileSync(value.path, 'utf8') : `not a file: ${value?.in}`;
}

function script(name: string, text: string): void {
  writeFileSync(join(app, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(app, name), 0o755);
}

describe('programs', () => {
  it('gives every parameter as one word, whatever it holds, and returns the exit value', async () => {
    const { request, outcome } = await run({
      program: 'printf',
      args: ['[%s]', 'a b', '$HOME;`x`', 3, true, ['x', 'y']],
    });
    expect(outcome).toMatchObject({ status: 'completed' });
    expect(host.value(request)).toBe(0);
    expect(host.printed.get(request.invocation)?.stdout).toBe('[a b][$HOME;`x`][3][true][x][y]');
  });

  it('fills a template by name and by position, with prefixes and quotes', async () => {
    const { request } = await run({
      program: 'printf',
      args: ['%s|', 'value', 7],
      settings: { args: '{{0}} --name={{word}} "two words" {{n}}', parameters: ['format', 'word', 'n'] },
    });
    expect(host.printed.get(request.invocation)?.stdout).toBe('--name=value|two words|7|');
    const prefixed = await run({
      program: 'echo',
      args: ['x', ['a', 'b']],
      settings: { parameters: [{ prefix: '--x=' }, { prefix: '--list' }] },
    });
    expect(host.printed.get(prefixed.request.invocation)?.stdout).toBe('--x=x --list a b\n');
  });

  it.each([
    [{ program: 'echo', args: [1], settings: { args: '{{absent}}' } }, 'ERR_PROGRAM_SETTINGS'],
    [{ program: 'echo', settings: { unknown: 1 } }, 'ERR_PROGRAM_SETTINGS'],
    [{ program: 'no-such-program' }, 'ERR_PROGRAM_UNKNOWN'],
    [{ program: '../outside' }, 'ERR_PROGRAM_UNKNOWN'],
    [{ program: 'echo', args: [{ an: 'object' }] }, 'ERR_PARAMETER_INVALID'],
    [{ program: 'echo', settings: { workingDir: '/etc' } }, 'ERR_PATH_OUTSIDE'],
    [{ program: 'echo', settings: { stdout: '../../elsewhere' } }, 'ERR_PATH_OUTSIDE'],
    [{ program: 'echo', returns: 2 }, 'ERR_RETURN_COUNT'],
  ])('refuses %j with %s', async (of, code) => {
    expect((await run(of)).outcome).toMatchObject({ status: 'failed', error: { code } });
  });

  it('takes an exit value as failure, with what stderr said, or as the result', async () => {
    script('ends.sh', 'echo no luck >&2; exit $1');
    const failed = await run({ program: 'ends.sh', args: [3] });
    expect(failed.outcome).toMatchObject({
      status: 'failed',
      error: {
        code: 'ERR_PROGRAM_FAILED',
        message: 'Program ends.sh ended with exit value 3. no luck',
        details: { exitValue: 3 },
      },
    });
    const { request } = await run({ program: 'ends.sh', args: [3], settings: { failByExitValue: false } });
    expect(host.value(request)).toBe(3);
  });

  it('returns what was printed, as text or as JSON', async () => {
    const text = await run({ program: 'echo', args: ['hello'], settings: { result: 'stdout' } });
    expect(host.value(text.request)).toBe('hello\n');
    const json = await run({ program: 'echo', args: ['{"a":[1]}'], settings: { result: 'json' } });
    expect(host.value(json.request)).toEqual({ a: [1] });
    const bad = await run({ program: 'echo', args: ['{'], settings: { result: 'json' } });
    expect(bad.outcome).toMatchObject({ status: 'failed', error: { code: 'ERR_PROGRAM_FAILED' } });
  });

  it('reads and writes files under their own names, and streams from and to files', async () => {
    const input = stored('stored-1', 'b\na\n');
    const { request, outcome } = await run({
      program: 'sh',
      args: ['-c', 'sort; cp "$1" "$2"; echo said >&2', 'x', new Mark(0), new Mark(1), new Mark(2), new Mark(3)],
      accesses: [file('IN', 'in.txt'), file('OUT', 'copy.txt'), file('OUT', 'sorted.txt'), file('OUT', 'errors.txt')],
      inputs: [input, undefined, undefined, undefined],
      settings: {
        args: '{{0}} {{1}} {{2}} {{in}} {{copy}}',
        parameters: [{}, {}, {}, { name: 'in', stream: 'STDIN' }, 'copy', { stream: 'STDOUT' }, { stream: 'STDERR' }],
      },
    });
    expect(outcome).toMatchObject({ status: 'completed', outputs: [{}, {}, {}, { inline: true }] });
    expect([0, 1, 2].map((index) => contentOf(request, index))).toEqual(['b\na\n', 'a\nb\n', 'said\n']);
    expect(host.printed.has(request.invocation)).toBe(false);
  });

  it('appends to an INOUT stream in a copy of its own', async () => {
    const before = stored('log', 'old\n');
    const { request } = await run({
      program: 'echo',
      args: ['new', new Mark(0)],
      accesses: [file('INOUT', 'log')],
      inputs: [before],
      settings: { parameters: [{}, { stream: 'STDOUT' }] },
    });
    expect(contentOf(request, 0)).toBe('old\nnew\n');
    expect(readFileSync(join(root, 'log'), 'utf8')).toBe('old\n');
  });

  it('fails without a trace when an output was not written', async () => {
    const { outcome } = await run({
      program: 'sh',
      args: ['-c', 'echo one > "$0"', new Mark(0), new Mark(1)],
      accesses: [file('OUT', 'one'), file('OUT', 'two')],
    });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'ERR_OUTPUT_MISSING' } });
  });

  it('runs prolog and epilog around, in the working directory that was asked for', async () => {
    mkdirSync(join(app, 'work'));
    script('step.sh', 'echo "$1 in $(basename "$PWD")" >> steps.txt; exit $(($2+0))');
    const settings = {
      workingDir: join(app, 'work'),
      args: 'main',
      prolog: { binary: 'step.sh', params: 'before-{{0}} 4', failByExitValue: false },
      epilog: { binary: 'step.sh', params: 'after' },
    };
    const { outcome } = await run({ program: 'step.sh', args: ['x'], settings });
    expect(outcome).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(app, 'work/steps.txt'), 'utf8')).toBe('before-x in work\nmain in work\nafter in work\n');
    const strict = { ...settings, prolog: { binary: 'step.sh', params: 'x 4' } };
    expect((await run({ program: 'step.sh', settings: strict })).outcome).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_PROGRAM_FAILED' },
    });
  });

  it('tells the program its units, and nothing of the agent but what it was given', async () => {
    const { request } = await run({
      program: 'sh',
      args: ['-c', 'echo $OMP_NUM_THREADS $COMPSS_NUM_THREADS $MINE $SECRET'],
      cpus: 2,
      settings: { env: { MINE: 'yes' } },
    });
    expect(host.printed.get(request.invocation)?.stdout).toBe('2 2 yes kept\n');
  });

  it('runs no more at once than it has units, in order, and gives back what has not begun', async () => {
    script('pair.sh', 'echo $$ > "$0.$1"; while [ ! -e "$0.go" ]; do sleep 0.02; done');
    const first = start({ program: 'pair.sh', args: [1], cpus: 2 });
    const second = start({ program: 'echo', args: ['second'] });
    const third = start({ program: 'echo', args: ['third'] });
    expect(host.startedOnes).toEqual([first.invocation]);
    expect(executor.recall(third.invocation)).toBe(true);
    expect(executor.recall(first.invocation)).toBe(false);
    executor.cancel(second.invocation, 'test');
    expect(await host.outcome(second)).toEqual({ status: 'cancelled' });
    writeFileSync(join(app, 'pair.sh.go'), '');
    expect(await host.outcome(first)).toMatchObject({ status: 'completed' });
    expect(host.outcomes.has(third.invocation)).toBe(false);
  });

  it.each(['cancel', 'time out'])('%s ends the whole group, also what ignores SIGTERM', async (how) => {
    script('stubborn.sh', 'trap "" TERM\nsleep 600 &\necho "$$ $!"\nwait; wait; sleep 600');
    const request = start({ program: 'stubborn.sh', ...(how === 'cancel' ? {} : { timeOutMs: 300 }) });
    await host.until(() => (host.printed.get(request.invocation)?.stdout ?? '').includes('\n'));
    const pids = (host.printed.get(request.invocation)?.stdout ?? '').trim().split(' ').map(Number);
    if (how === 'cancel') executor.cancel(request.invocation, 'test');
    const outcome = await host.outcome(request);
    if (how === 'cancel') expect(outcome).toEqual({ status: 'cancelled' });
    else expect(outcome).toMatchObject({ status: 'failed', error: { code: 'ERR_TASK_TIMED_OUT' } });
    expect(pids).toHaveLength(2);
    for (const pid of pids) await processGone(pid);
  });

  it('ends what a program leaves running behind it', async () => {
    const { request } = await run({ program: 'sh', args: ['-c', 'sleep 600 >/dev/null 2>&1 & echo $!'] });
    await processGone(Number(host.printed.get(request.invocation)?.stdout));
  });

  it('is lost, not failed, when somebody else kills it', async () => {
    expect((await run({ program: 'sh', args: ['-c', 'kill -KILL $$'] })).outcome).toMatchObject({ status: 'lost' });
    expect((await run({ program: 'sh', args: ['-c', 'kill -SEGV $$'] })).outcome).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_PROGRAM_FAILED' },
    });
  });
});
