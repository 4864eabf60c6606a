import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentState, TestAgentOptions } from '../support/agents.ts';
import { TestAgent } from '../support/agents.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { itWhen } from '../support/it-when.ts';
import { tempDir } from '../support/temp-dir.ts';

/** A node in a process of its own, before it belongs to any pool. */
export interface FarNode extends AsyncDisposable {
  readonly pid: number;
  /** Where `addResources` is to connect to. */
  readonly port: number;
  /** What it holds; undefined where nothing of ours runs that could tell. */
  state(): Promise<AgentState | undefined>;
  /** Resolves when it has told all its ends and holds nothing; for nodes that tell them by calls of their own. */
  emptied?(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** SIGKILL; resolves when the process has ended. */
  killed(): Promise<void>;
}

export interface FarOptions {
  readonly name: string;
  readonly cpus: number;
  /** Folder of the programs. */
  readonly codePath: string;
  readonly port?: number;
  readonly storeBytes?: number;
}

/** An adaptor for the suite: how far nodes of it are started, and what it promises. */
export interface AdaptorCase {
  readonly scheme: string;
  start(options: FarOptions): Promise<FarNode>;
  /** Tasks that run there may submit tasks. */
  readonly nestedTasks: boolean;
  /** A short cut of its connection loses nothing and runs nothing twice. */
  readonly survivesCuts: boolean;
  /** Results come home with the ends of calls; default: they stay with the node until somebody needs them. */
  readonly bringsResultsHome?: boolean;
  /** Of its nodes, beside host and port. */
  readonly properties?: Readonly<Record<string, string>>;
  /** What the agent that calls needs for it. */
  readonly caller?: Partial<TestAgentOptions>;
}

const codePath = join(import.meta.dirname, 'fixtures');
const program = { module: 'nodes.ts' };
/** Short, so that a stopped process is found within a test. */
const timing = { heartbeatMs: 50, deadlineMs: 1000 };

const start = ({ caller }: AdaptorCase, more: Partial<TestAgentOptions> = {}): Promise<TestAgent> =>
  TestAgent.start({ name: 'a', cpus: 1, codePath, timing, ...caller, ...more });
const add = (a: TestAgent, { scheme, properties = {} }: AdaptorCase, port: number, units?: number): Promise<void> =>
  a.add('b', port, { adaptor: scheme, properties, ...(units === undefined ? {} : { units }) });
const linesOf = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []);

/** What every adaptor must do: an agent of this process offloads to nodes in processes of their own. */
export function adaptorSuite(adaptor: AdaptorCase): void {
  describe(`adaptor ${adaptor.scheme}`, () => {
    workSuite(adaptor);
    lossSuite(adaptor);
  });
}

/** Everything that tasks brought there has gone again, and nothing is held here. */
async function nothingLeft(a: TestAgent, b?: FarNode): Promise<void> {
  await expect.poll(() => a.store.stats(), { timeout: 5000 }).toMatchObject({ versions: 0, pinned: 0 });
  if (b === undefined || (await b.state()) === undefined) return;
  const idle = { versions: 0, pinned: 0, links: [{ name: 'a', calls: 0, versions: 0 }] };
  await expect.poll(() => b.state(), { timeout: 5000 }).toMatchObject(idle);
}

/** Names of the marker files of running tasks. */
const running = (folder: string, pid: number | string = ''): string[] =>
  readdirSync(folder).filter((name) => name.startsWith(`gate.running.${pid}`));

function workSuite(adaptor: AdaptorCase): void {
  describe('at work', () => {
    let dir: ReturnType<typeof tempDir>;
    let a: TestAgent;
    let b: FarNode;
    const call = (method: string, args: readonly (string | number)[] = []) => a.call(method, args, program);

    beforeAll(async () => {
      b = await adaptor.start({ name: 'b', cpus: 2, codePath });
      a = await start(adaptor);
      await add(a, adaptor, b.port);
    });
    afterAll(async () => {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    });
    beforeEach(() => {
      dir = tempDir('adaptor');
    });
    afterEach(async () => {
      await nothingLeft(a, b);
      dir[Symbol.dispose]();
    });

    it('runs tasks there and brings small results home', async () => {
      expect(await call('where')).toBe(b.pid);
      expect(await call('values')).toEqual([3, 4, 16, 20]);
      expect(await call('many', [500])).toBe((500 * 501) / 2);
    });

    it('moves large arrays both ways', async () => {
      expect(await call('arrays', [100_000])).toEqual([300_000, 200_000, 200_000, 300_000]);
    });

    it('follows values that tasks there change', async () => {
      expect(await call('objects', [20])).toEqual([4, 40, 80]);
      expect(await call('objects', [100_000])).toEqual([4, 200_000, 400_000]);
    });

    it('passes collections', async () => {
      expect(await call('collections', [50])).toBe((49 * 50) / 2);
    });

    it('passes files under their names and brings written ones to their paths', async () => {
      const [from, to] = [join(dir.path, 'in.txt'), join(dir.path, 'out.txt')];
      writeFileSync(from, 'quiet');
      expect(await call('files', [from, to])).toEqual(['in.txt>out.txt', 'QUIET!?']);
    });

    it('passes directories', async () => {
      const [from, to] = [join(dir.path, 'in'), join(dir.path, 'out')];
      mkdirSync(from);
      writeFileSync(join(from, 'one'), '1');
      expect(await call('directories', [from, to])).toEqual(['one.copy.copy=1']);
    });

    itWhen(adaptor.nestedTasks, 'the adaptor promises no nested tasks')(
      'lets tasks there have tasks of their own',
      async () => {
        expect(await call('nested', [20])).toBe(2470);
        expect(await call('delegated', [7])).toBe(49);
        expect(JSON.stringify(await call('caught', ['below']))).toContain('deep down');
      },
    );

    itWhen(!adaptor.nestedTasks, 'the adaptor promises nested tasks')(
      'says that tasks there cannot have tasks of their own',
      async () => {
        expect(JSON.stringify(await call('nestsThere'))).toContain('ERR_NESTING_UNSUPPORTED');
      },
    );

    it('brings errors home with name, cause and stack', async () => {
      const told = await call('caught', ['fails']);
      expect(told).toMatchObject({
        cause: {
          name: 'TypeError',
          message: 'on purpose',
          cause: { name: 'RangeError', message: 'the deeper reason' },
        },
      });
      expect(JSON.stringify(told)).toContain('nodes.ts');
    });

    it('ends code there that runs longer than its time', async () => {
      expect(JSON.stringify(await call('caught', ['spins']))).toContain('ERR_TASK_TIMED_OUT');
    });

    it('cancels what runs there', async () => {
      const gate = join(dir.path, 'gate');
      const id = await a.start('gated', [gate, 4], program);
      await expect.poll(() => running(dir.path).length, { timeout: 5000 }).toBeGreaterThan(0);
      a.backend.cancelApplication(id, 'test');
      expect(await a.ended(id)).toBe('cancelled');
    });

    it('runs as many at once as it was given units, which grow and shrink', async () => {
      const gate = join(dir.path, 'gate');
      const one = { processors: [{ name: 'MainProcessor', type: 'CPU' as const, units: 1 }] };
      a.nodes.reduce('b', one);
      const id = await a.start('gated', [gate, 3], program);
      await expect.poll(() => running(dir.path).length, { timeout: 5000 }).toBe(1);
      await add(a, adaptor, b.port, 1);
      await expect.poll(() => running(dir.path).length, { timeout: 5000 }).toBe(2);
      writeFileSync(gate, '');
      expect(await a.result(id)).toBe(3);
    });
  });
}

/** Values of a gigabyte, both ways. Takes minutes and gigabytes: for the long tests. */
export function hugeValueSuite(adaptor: AdaptorCase): void {
  it(`adaptor ${adaptor.scheme} moves values of 1 GiB both ways`, async () => {
    const bytes = 2 ** 30;
    const storeBytes = 2.25 * bytes;
    await using b = await adaptor.start({ name: 'b', cpus: 1, codePath, storeBytes });
    await using a = await start(adaptor, { storeBytes });
    await add(a, adaptor, b.port);
    expect(await a.call('huge', [bytes], program)).toEqual([bytes / 8, bytes / 4]);
    await nothingLeft(a, b);
  });
}

function lossSuite(adaptor: AdaptorCase): void {
  describe('losing a node', () => {
    let dir: ReturnType<typeof tempDir>;
    let a: TestAgent;
    let b: FarNode;
    const far = (port?: number): Promise<FarNode> =>
      adaptor.start({ name: 'b', cpus: 2, codePath, ...(port === undefined ? {} : { port }) });
    const gate = (): string => join(dir.path, 'gate');
    const lost = () => expect.poll(() => a.nodes.connecting().length, { timeout: 10_000, interval: 5 }).toBe(1);

    beforeEach(async () => {
      dir = tempDir('loss');
      // In this order: an agent counts what is open when it starts and when it is closed.
      b = await far();
      a = await start(adaptor);
    });
    afterEach(async () => {
      await nothingLeft(a);
      await b.emptied?.();
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    });

    it('that is not there is an error, and the name can be used afterwards', async () => {
      await b.killed();
      await expect(add(a, adaptor, b.port)).rejects.toMatchObject({ code: 'ERR_LINK_UNREACHABLE' });
      expect(a.nodes.connecting()).toEqual([]);
    });

    it('before anything ran there: all runs here', async () => {
      await add(a, adaptor, b.port);
      await b.killed();
      const id = await a.start('gatedAnywhere', [gate(), 3], program);
      writeFileSync(gate(), '');
      expect(await a.result(id)).toBe(3);
    });

    it('while tasks run there: they run again here', async () => {
      await add(a, adaptor, b.port);
      const id = await a.start('gatedAnywhere', [gate(), 6], program);
      await expect.poll(() => running(dir.path, b.pid).length, { timeout: 10_000 }).toBe(2);
      await b.killed();
      await lost();
      writeFileSync(gate(), '');
      expect(await a.result(id)).toBe(15);
    });

    it('that alone held results: they are computed again, and only they', async () => {
      await add(a, adaptor, b.port);
      const log = join(dir.path, 'log');
      const id = await a.start('keeps', [log, gate(), 12], program);
      await expect.poll(() => existsSync(`${gate()}.made`), { timeout: 10_000 }).toBe(true);
      const there = linesOf(log).filter((line) => line.startsWith(`${b.pid} `));
      expect(there.length).toBeGreaterThan(0);
      await b.killed();
      await lost();
      writeFileSync(gate(), '');
      expect(await a.result(id)).toBe(66);
      const again = linesOf(log).slice(12);
      if (adaptor.bringsResultsHome === true) there.length = 0;
      expect(again.map((line) => line.split(' ')[1]).sort()).toEqual(there.map((line) => line.split(' ')[1]).sort());
    });

    it('that only stands still: what it says when it goes on is not heard', async () => {
      await add(a, adaptor, b.port);
      const id = await a.start('gatedAnywhere', [gate(), 6], program);
      await expect.poll(() => running(dir.path, b.pid).length, { timeout: 10_000 }).toBe(2);
      b.kill('SIGSTOP');
      await lost();
      writeFileSync(gate(), '');
      expect(await a.result(id)).toBe(15);
      b.kill('SIGCONT');
    });

    it('that comes back at its address: it takes part again', async () => {
      const { port } = b;
      await add(a, adaptor, port);
      await b.killed();
      await lost();
      b = await far(port);
      expect(await a.call('where', [], program)).toBe(b.pid);
    });

    it('that is removed: what runs there ends, what it alone holds comes here first', async () => {
      await add(a, adaptor, b.port);
      const log = join(dir.path, 'log');
      const kept = await a.start('keeps', [log, gate(), 12], program);
      await expect.poll(() => existsSync(`${gate()}.made`), { timeout: 10_000 }).toBe(true);
      a.nodes.remove('b');
      await expect.poll(() => a.dispatcher.core.resources().length, { timeout: 10_000 }).toBe(1);
      await b.killed();
      writeFileSync(gate(), '');
      expect(await a.result(kept)).toBe(66);
      expect(linesOf(log).length).toBe(12);
    });

    itWhen(adaptor.survivesCuts, 'the adaptor does not promise to survive a cut')(
      'for a moment only: nothing is lost and nothing runs twice',
      async () => {
        const { proxy, port } = await CutProxy.start(b.port);
        await using relay = proxy;
        await add(a, adaptor, port);
        const log = join(dir.path, 'log');
        const id = await a.start('noted', [log, 400], program);
        for (const seen of [20, 150, 300]) {
          await expect.poll(() => linesOf(log).length, { timeout: 10_000, interval: 2 }).toBeGreaterThan(seen);
          relay.cut();
        }
        expect(await a.result(id)).toBe((399 * 400) / 2);
        expect(linesOf(log).length).toBe(400);
        expect(a.nodes.connecting()).toEqual([]);
        await nothingLeft(a, b);
        a.nodes.remove('b');
        await expect.poll(() => a.dispatcher.core.resources().length, { timeout: 10_000 }).toBe(1);
      },
    );

    it('and closing leaves nothing open on either side', async () => {
      await add(a, adaptor, b.port);
      expect(await a.call('where', [], program)).toBe(b.pid);
      await a[Symbol.asyncDispose]();
      if ((await b.state()) !== undefined) {
        await expect
          .poll(() => b.state(), { timeout: 5000 })
          .toMatchObject({ versions: 0, links: [], connectionsIn: 0 });
      }
      a = await start(adaptor);
    });
  });
}
