import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProcess } from '../../scripts/process.ts';
import { processGone } from '../support/processes.ts';
import { RunningAgent } from '../support/running-agent.ts';
import { tempDir } from '../support/temp-dir.ts';

const appPath = join(import.meta.dirname, 'fixtures/python');
const root = join(import.meta.dirname, '../..');

describe('Python on agents that are processes', () => {
  let open: AsyncDisposableStack;
  const start = async (name: string, cpus: number, path = appPath, flags: readonly string[] = []) =>
    open.use(await RunningAgent.start({ name, cpus, appPath: path, flags }));
  const call = (agent: RunningAgent, ...words: readonly string[]) =>
    agent.command('call', '-q', '--lang', 'PYTHON', ...words);

  beforeEach(() => {
    open = new AsyncDisposableStack();
  });
  afterEach(() => open.disposeAsync());

  it('gives the same on one agent and on three, with large values and files between them', async () => {
    const [first, second, third] = await Promise.all([start('first', 1), start('second', 1), start('third', 1)]);
    const alone = await run(first);
    await first.add(second);
    await first.add(third);
    expect(await run(first)).toEqual(alone);
    expect((await call(first, 'graphs', 'nodes')).out).toBe('3\n');
    const { out } = await first.command('resources');
    for (const name of ['second', 'third'])
      expect(
        Number(new RegExp(`^${name}\\s+active\\s+1\\s+1\\s+0\\s+0\\s+(\\d+)`, 'm').exec(out)?.[1]),
      ).toBeGreaterThan(0);
    for (const agent of [first, second, third])
      await expect.poll(() => agent.get('/COMPSs/data'), { timeout: 5000 }).toMatchObject({ store: { versions: 0 } });
  });

  async function run(agent: RunningAgent): Promise<readonly string[]> {
    using dir = tempDir('python-files');
    writeFileSync(join(dir.path, 'in.txt'), 'quiet');
    const outs: string[] = [];
    for (const words of [
      ['graph'],
      ['objects'],
      ['collections'],
      ['large'],
      ['delegated'],
      ['deep', '6'],
      ['files', join(dir.path, 'in.txt'), join(dir.path, 'out.txt')],
    ]) {
      const { out, err } = await call(agent, 'graphs', ...words);
      outs.push(out + err);
    }
    return outs;
  }

  it('says which module is missing, on which node, and where it looked', async () => {
    using empty = tempDir('empty');
    const agent = await start('bare', 1, empty.path);
    const { exitCode, err } = await call(agent, 'graphs', 'graph');
    expect(exitCode).toBe(1);
    expect(err).toContain('ERR_MODULE_UNKNOWN');
    expect(err).toMatch(/Module graphs is in none of the directories of sys\.path on bare: .*empty/);
  });

  it('says what is wrong with an interpreter that cannot run workers', async () => {
    const agent = await start('broken', 1, appPath, ['--python=/bin/false']);
    const { err } = await call(agent, 'graphs', 'graph');
    expect(err).toContain('ERR_PYTHON_UNAVAILABLE');
    expect(err).toContain('Node broken cannot run Python: /bin/false: exit code 1');
  });

  it('leaves no process behind when its agent is killed', async () => {
    const agent = await start('killed', 2);
    const waiting = call(agent, 'graphs', 'hangs');
    const { pid } = agent.listening;
    await expect.poll(() => descendants(pid).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
    const python = descendants(pid);
    process.kill(pid, 'SIGKILL');
    await Promise.all(python.map((one) => processGone(one)));
    await waiting.catch(() => undefined);
  });

  it('starts its workers anew when the process that they are forked from is killed', async () => {
    const agent = await start('shaken', 2);
    const many = call(agent, 'graphs', 'many', '20000');
    const { pid } = agent.listening;
    const zygotes = () => descendants(pid).filter((one) => parentOf(one) === pid);
    await expect.poll(() => descendants(pid).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
    for (const one of zygotes()) process.kill(one, 'SIGKILL');
    expect(await many).toMatchObject({ err: '', exitCode: 0, out: `${(20_000 * 20_001) / 2}\n` });
  });

  it('runs programs with an agent of their own, from either command line', async () => {
    const program = join(appPath, 'program.py');
    const words = ['-q', program, 'a', '3'];
    const expected = { code: 0, lines: ['arguments a 3', 'squares [0, 1, 4]', 'point 5'] };
    const launcher = join(root, 'bin/metakernel');
    expect(await ran(launcher, ['run', ...words])).toEqual(expected);
    expect(await ran('python3', ['-m', 'metakernel', ...words])).toEqual(expected);
    expect(await ran(launcher, ['run', '-q', program, '--exit', '5'])).toMatchObject({ code: 5 });
  }, 60_000);
});

/** A command to its end: exit code and lines of stdout. */
async function ran(command: string, words: readonly string[]): Promise<{ code: number | null; lines: string[] }> {
  const lines: string[] = [];
  const running = startProcess(command, words, {
    watch: 'guard',
    env: { ...process.env, PYTHONPATH: join(root, 'bindings/python') },
    onLine: (line, stream) => stream === 'stdout' && lines.push(line),
  });
  const { code } = await running.exited;
  return { code, lines };
}

/** Processes below this one. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const found = /^\d+$/.test(name) ? parentOf(Number(name)) : undefined;
    if (found !== undefined) parents.set(Number(name), found);
  }
  const isBelow = (one: number): boolean => {
    const parent = parents.get(one);
    return parent !== undefined && (parent === pid || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
