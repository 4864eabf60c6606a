import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProcess } from '../../scripts/process.ts';
import { PROGRAM_RESULTS, resultsOfProgram } from '../support/program-results.ts';
import { RunningAgent } from '../support/running-agent.ts';

const appPath = join(import.meta.dirname, 'fixtures');

describe('agents as processes', () => {
  let open: AsyncDisposableStack;
  const start = async (name: string, cpus: number) => open.use(await RunningAgent.start({ name, cpus, appPath }));

  beforeEach(() => {
    open = new AsyncDisposableStack();
  });
  afterEach(() => open.disposeAsync());

  it('runs a program and says what came of it', async () => {
    const agent = await start('alone', 2);
    expect(await agent.command('call', '-q', 'program.ts', 'graph')).toEqual({ exitCode: 0, out: '420\n', err: '' });
    const failed = await agent.command('call', '-q', 'program.ts', 'uncaught');
    expect(failed.exitCode).toBe(1);
    expect(failed.err).toContain('nobody looks');
    const unknown = await agent.command('call', '-q', 'program.ts', 'absent');
    expect(unknown.err).toContain('ERR_FUNCTION_UNKNOWN');
    const apps = await agent.command('apps');
    expect(apps.out.match(/completed|failed/g)).toEqual(['failed', 'failed', 'completed']);
    expect(await storeOf(agent)).toMatchObject({ versions: 0 });
  });

  it('follows the output of a program that writes nothing to its end', async () => {
    const agent = await start('silent', 1);
    for (let i = 0; i < 5; i++) {
      expect(await agent.command('call', '--output', '-q', 'program.ts', 'objects')).toMatchObject({ out: '5\n' });
    }
  });

  it('spreads tasks over another agent, with data both ways and tasks inside tasks', async () => {
    const [first, second] = await Promise.all([start('first', 1), start('second', 2)]);
    await first.add(second, 2);
    expect(await resultsOfProgram(first)).toEqual(PROGRAM_RESULTS);
    expect((await first.command('call', '-q', 'program.ts', 'deep', '20')).out).toBe('20\n');
    const { out } = await first.command('resources');
    expect(Number(/^second\s+active\s+2\s+2\s+0\s+0\s+(\d+)/m.exec(out)?.[1])).toBeGreaterThan(0);
    await expect.poll(() => storeOf(second)).toMatchObject({ versions: 0 });
    await expect.poll(() => storeOf(first)).toMatchObject({ versions: 0 });
  });

  it('ends on SIGTERM with exit code 0, and with the process that started it', async () => {
    const agent = await start('stopped', 1);
    expect(await agent.process.stop()).toEqual({ code: 0, signal: null });
    // A starter that is killed: its agent sees the pipe close.
    const lines: string[] = [];
    const pid = Promise.withResolvers<number>();
    await using starter = startProcess(
      process.execPath,
      ['--conditions=source', join(import.meta.dirname, 'fixtures/agent-starter.ts'), appPath],
      {
        watch: 'guard',
        onLine: (line) => {
          lines.push(line);
          if (line.startsWith('agent ')) pid.resolve(Number(line.slice(6)));
        },
      },
    );
    const child = await Promise.race([
      pid.promise,
      starter.exited.then(() => {
        throw new Error(lines.join('\n'));
      }),
    ]);
    expect((await starter.exited).code).toBe(128 + 9);
    await expect.poll(() => isAlive(child), { timeout: 15_000 }).toBe(false);
  });
});

async function storeOf(agent: RunningAgent): Promise<unknown> {
  return ((await agent.get('/COMPSs/data?limit=0')) as { store: unknown }).store;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
