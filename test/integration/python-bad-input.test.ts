import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onOneAgent, ThreeAgents } from '../support/python-modes.ts';
import { RunningAgent } from '../support/running-agent.ts';

const folder = join(import.meta.dirname, 'fixtures/python');
const setting = { interpreter: 'python3' };

interface Told {
  readonly value?: unknown;
  readonly error?: string;
  readonly code?: string | null;
  readonly message?: string;
  /** Tasks that ran beside it, before and after, gave what they should. */
  readonly others: boolean;
}

/** What ends the task, and what the message has to name beside the task. */
const ENDINGS: readonly [name: string, code: string, cause: RegExp][] = [
  ['unpicklable', 'ERR_VALUE_UNSERIALIZABLE', /_thread\.lock cannot be pickled/],
  ['killed_for_memory', 'ERR_TASK_LOST', /signal 9 \(SIGKILL; the system kills for want of memory in this way\)/],
  ['segfaults', 'ERR_TASK_LOST', /signal 11 \(SIGSEGV\)/],
  ['aborts', 'ERR_TASK_LOST', /signal 6 \(SIGABRT\)/],
  ['exits', 'ERR_TASK_FAILED', /SystemExit: 3/],
  ['exits_at_once', 'ERR_TASK_LOST', /exit code 4/],
  ['closes_output', 'ERR_TASK_FAILED', /Bad file descriptor/],
  ['closes_everything', 'ERR_TASK_LOST', /its Python process ended/],
  ['recurses', 'ERR_TASK_FAILED', /RecursionError: maximum recursion depth exceeded/],
  ['returns_too_few', 'ERR_RETURN_COUNT', /its task declares 2/],
  ['raises_what_cannot_travel', 'ERR_TASK_FAILED', /the cause/],
];

/** What is the program's own affair, or no failure at all. */
const VALUES: readonly [name: string, value: unknown][] = [
  ['prints_much', 'printed'],
  ['forks', 'parent'],
  ['forks_and_leaves', 'left'],
];

const toldIn = (lines: readonly string[]): ReadonlyMap<string, Told> =>
  new Map(
    lines
      .map((line) => /^told (\w+) (\{.*\})$/.exec(line))
      .filter((found) => found !== null)
      .map(([, name = '', text = '']) => [name, JSON.parse(text) as Told]),
  );

function check(told: ReadonlyMap<string, Told>, nodes: RegExp): void {
  for (const [name, code, cause] of ENDINGS) {
    const { code: found, message = '', others } = told.get(name)!;
    expect([found, others], `${name}: ${message}`).toEqual([code, true]);
    expect(message).toContain(`bad_input#${name}`);
    expect(message).toMatch(nodes);
    expect(message).toMatch(cause);
  }
  for (const [name, value] of VALUES) expect(told.get(name)).toEqual({ value, others: true });
}

describe('what a Python task can do wrong ends that task, with a message, and disturbs nothing else', () => {
  it('on one agent', { timeout: 240_000 }, async () => {
    const { code, stdout, stderr } = await onOneAgent(join(folder, 'bad_input.py'), [], setting);
    const told = toldIn(stdout);
    expect(code, stderr.join('\n')).toBe(0);
    check(told, /on (node )?local/);
    expect(told.get('unpicklable_argument')?.message).toMatch(
      /bad_input#takes cannot be given its argument value: an instance of _thread\.lock cannot be pickled/,
    );
    expect(told.get('returns_unloadable')?.message).toMatch(/cannot be read here: ValueError: cannot be read again/);
  });

  it('and on three', { timeout: 240_000 }, async () => {
    await using agents = await ThreeAgents.start(folder, setting);
    const names = [...ENDINGS.map(([name]) => name), ...VALUES.map(([name]) => name)];
    const { code, stdout, stderr } = await agents.run('bad_input.py', names);
    expect(code, stderr.join('\n')).toBe(0);
    check(toldIn(stdout), /on (node )?(first|second|third)/);
  });
});

describe('what a request can name that is not there', () => {
  let agent: RunningAgent;
  beforeAll(async () => {
    agent = await RunningAgent.start({ name: 'asked', appPath: folder, flags: ['--log-level=error', '--drain-ms=0'] });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it.each([
    [
      'a module that is nowhere',
      'nowhere',
      'f',
      /Module nowhere is in none of the directories of sys\.path on asked: .*python/,
    ],
    [
      'a module whose import fails',
      'fails_to_import',
      'never',
      /fails_to_import could not be imported on asked: ZeroDivisionError/,
    ],
    ['a module that cannot be parsed', 'no_python', 'f', /no_python could not be imported on asked: SyntaxError/],
    ['a function that is nowhere', 'bad_input', 'absent', /bad_input\.py has no function absent\. It has .*healthy/],
    ['what is no function', 'bad_input', 'CASES', /CASES of module .*bad_input\.py is not a function/],
  ])('%s', async (_what, module, method, message) => {
    const { exitCode, err } = await agent.command('call', '-q', '--lang', 'PYTHON', module, method);
    expect(exitCode).toBe(1);
    expect(err).toMatch(message);
    const healthy = await agent.command('call', '-q', '--lang', 'PYTHON', 'bad_input', 'not_a_task', '5');
    expect(healthy).toMatchObject({ exitCode: 0, out: '5\n' });
  });
});
