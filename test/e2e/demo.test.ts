import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openNpy } from '../../examples/kmeans/npy.ts';
import { type RunningProcess, startProcess } from '../../scripts/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const demo = join(import.meta.dirname, '../../scripts/demo.ts');
const AGENT_LINE = /^agent\d: pid (\d+), /;

interface Demo extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly lines: string[];
  readonly pids: number[];
  /** Resolves when the k-means has made an iteration. */
  readonly iterating: Promise<void>;
}

function startDemo(folder: string, ports: readonly number[]): Demo {
  const lines: string[] = [];
  const pids: number[] = [];
  const iterating = Promise.withResolvers<void>();
  const running = startProcess(process.execPath, ['--conditions=source', demo], {
    watch: 'stdin',
    graceMs: 60_000,
    env: {
      ...process.env,
      POINTS: '2400',
      ITERATIONS: '100',
      EPSILON: '-1',
      DATA: folder,
      OUT: folder,
      PORTS: ports.join(','),
    },
    onLine: (line) => {
      lines.push(line);
      const pid = AGENT_LINE.exec(line)?.[1];
      if (pid !== undefined) pids.push(Number(pid));
      if (line.includes('] iteration 1 ')) iterating.resolve();
    },
  });
  void running.exited.then(({ code }) => iterating.reject(new Error(`it ended with ${code}: ${lines.join('\n')}`)));
  iterating.promise.catch(() => undefined);
  return {
    process: running,
    lines,
    pids,
    iterating: iterating.promise,
    [Symbol.asyncDispose]: running[Symbol.asyncDispose],
  };
}

/** REST ports that are free at the moment, with the two after each. */
async function freePorts(): Promise<number[]> {
  const base = 20_000 + (process.pid % 4_000) * 10;
  const ports: number[] = [];
  for (let port = base; ports.length < 4; port += 3) {
    const free = await Promise.all([port, port + 1, port + 2].map(isFree));
    if (free.every(Boolean)) ports.push(port);
  }
  return ports;
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // What nobody has waited for yet is no running process any more.
  return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

const noneLeft = (pids: readonly number[]) =>
  expect.poll(() => pids.filter(isAlive), { timeout: 20_000, interval: 50 }).toEqual([]);

describe('the demo', () => {
  test('ends with the result of a plain run, and its files', async () => {
    using folder = tempDir('demo');
    await using running = startDemo(folder.path, await freePorts());
    const exit = await running.process.exited;
    expect(exit.code, running.lines.join('\n')).toBe(0);
    const result = JSON.parse(readFileSync(join(folder.path, 'result.json'), 'utf8'));
    expect(result).toEqual({
      iterations: 100,
      inertia: expect.any(Number),
      maxRelativeError: expect.any(Number),
      wallSeconds: expect.any(Number),
      agents: running.pids.map((pid, i) => ({
        name: `agent${i + 1}`,
        pid,
        tasks: expect.any(Number),
        bytesIn: expect.any(Number),
        bytesOut: expect.any(Number),
      })),
    });
    expect(result.maxRelativeError).toBeLessThanOrEqual(1e-9);
    expect(result.agents.every((agent: { tasks: number }) => agent.tasks > 0)).toBe(true);
    using centres = openNpy(join(folder.path, 'centres.npy'));
    expect([centres.rows, centres.columns]).toEqual([8, 100]);
    expect(readFileSync(join(folder.path, 'graph.dot'), 'utf8')).toContain('digraph');
    expect(readFileSync(join(folder.path, 'graph.svg'), 'utf8')).toContain('<svg');
    const trace = JSON.parse(readFileSync(join(folder.path, 'timeline.json'), 'utf8'));
    expect(trace.traceEvents.length).toBeGreaterThan(100);
    expect(running.lines.filter((line) => line.includes('inertia')).length).toBeGreaterThan(100);
    await noneLeft(running.pids);
  });

  test('says which port is in use, and how to choose others', async () => {
    using folder = tempDir('demo');
    const ports = await freePorts();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(ports[2]! + 1, '127.0.0.1', resolve));
    await using running = startDemo(folder.path, ports);
    const exit = await running.process.exited;
    server.close();
    expect(exit.code).toBe(2);
    expect(running.lines.join('\n')).toContain(`port ${ports[2]! + 1} is in use`);
    expect(running.lines.join('\n')).toContain('PORTS=');
    expect(running.pids).toEqual([]);
  });

  test.for(['SIGINT', 'SIGKILL'] as const)('leaves no process behind on %s', async (signal) => {
    using folder = tempDir('demo');
    await using running = startDemo(folder.path, await freePorts());
    await running.iterating;
    expect(running.pids).toHaveLength(4);
    running.process.kill(signal);
    const exit = await running.process.exited;
    expect(exit).toEqual(signal === 'SIGINT' ? { code: 130, signal: null } : { code: null, signal });
    await noneLeft(running.pids);
  });
});
