import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentProcess } from '../support/agent-process.ts';
import { TestAgent, type TestAgentOptions } from '../support/agents.ts';
import { certificatesIn } from '../support/certificates.ts';
import { tempDir } from '../support/temp-dir.ts';

const codePath = join(import.meta.dirname, '../conformance/fixtures');
const program = { module: 'nodes.ts' };

describe('agents among themselves', () => {
  let open: AsyncDisposableStack;

  beforeEach(() => {
    open = new AsyncDisposableStack();
  });
  afterEach(() => open.disposeAsync());

  const agent = async (name: string, more: Partial<TestAgentOptions> = {}): Promise<TestAgent> =>
    open.use(await TestAgent.start({ name, cpus: 1, codePath, ...more }));

  async function nothingLeft(...agents: readonly TestAgent[]): Promise<void> {
    for (const one of agents) {
      await expect.poll(() => one.state(), { timeout: 5000 }).toMatchObject({ versions: 0, pinned: 0 });
    }
  }

  it('wait for each other ten deep with one slot each', async () => {
    const a = await agent('a');
    const b = open.use(await AgentProcess.start({ name: 'b', cpus: 1, codePath }));
    await Promise.all([a.add('b', b.port), b.add('a', a.port)]);
    for (let round = 0; round < 3; round++) {
      const pids = String(await a.call('cycle', [10], program)).split(' ');
      expect(pids).toEqual(Array.from({ length: 11 }, (_, i) => String(i % 2 === 0 ? b.pid : process.pid)));
    }
    await nothingLeft(a);
    await expect.poll(() => b.state(), { timeout: 5000 }).toMatchObject({ versions: 0, pinned: 0 });
  });

  it('hand data from one to another without the orchestrator in between', async () => {
    const [a, b, c] = [await agent('a'), await agent('b'), await agent('c')];
    await Promise.all([a.add('b', b.port), a.add('c', c.port)]);
    expect(await a.call('across', [100_000], program)).toBe(300_000);
    expect(a.state()).toMatchObject({ bytesIn: 0, bytesOut: 0 });
    expect(c.state().bytesIn).toBeGreaterThan(800_000);
    await nothingLeft(a, b, c);
  });

  it('pass on what they were given, also to one that the giver does not know', async () => {
    const [a, b, c] = [await agent('a'), await agent('b'), await agent('c')];
    await Promise.all([a.add('b', b.port), b.add('c', c.port)]);
    expect(await a.call('handedOn', [100_000], program)).toBe(600_000);
    await nothingLeft(a, b, c);
  });

  it('speak TLS with certificates of one authority and a token, on the link and on the data port', async () => {
    using dir = tempDir('certificates');
    const [tls, other] = [certificatesIn(dir.path, 'one'), certificatesIn(dir.path, 'two')];
    const security = { tls, token: 'a token' };
    const [a, b] = [await agent('a', { security }), await agent('b', { security })];
    await a.add('b', b.port);
    expect(await a.call('arrays', [100_000], program)).toEqual([300_000, 200_000, 200_000, 300_000]);
    await nothingLeft(a, b);
    for (const wrong of [{ tls: other, token: 'a token' }, { tls, token: 'another' }, { token: 'a token' }]) {
      const stranger = await agent('stranger', { security: wrong, timing: { connectMs: 1500 } });
      await expect(stranger.add('b', b.port)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_LINK_(REFUSED|UNREACHABLE)$/) as string,
      });
    }
    expect(b.state().links.map(({ name }) => name)).toEqual(['a']);
  });
});
