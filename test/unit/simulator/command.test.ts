import { describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/cli/run-command.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import type { SimulationReport } from '../../../src/simulator/index.ts';

async function metakernel(line: string): Promise<{ code: number; out: string; error: string }> {
  const said = { out: '', error: '' };
  const terminal: Terminal = {
    interactive: false,
    columns: 100,
    colours: false,
    out: (text) => {
      said.out += `${text}\n`;
    },
    error: (text) => {
      said.error += `${text}\n`;
    },
    raw: () => {},
    status: () => {},
  };
  const interrupted = new AbortController().signal;
  const code = await runCommand({ argv: line.split(' '), env: {}, cwd: '.', terminal, interrupted });
  return { code, ...said };
}

describe('metakernel simulate', () => {
  it('compares policies in a table', async () => {
    const { code, out } = await metakernel('simulate -g kmeans -t 200 -n 3 --scheduler fifo --scheduler locality');
    expect(code).toBe(0);
    expect(out).toMatch(/k-means of \d+ blocks.* on 3 nodes with 12 slots/);
    expect(out).toMatch(/policy +makespan +x bound/);
    expect(out.match(/^(fifo|locality) /gm)).toHaveLength(2);
  });

  it('gives the reports as JSON, with nodes that die', async () => {
    const { code, out } = await metakernel('simulate -g stencil -t 400 -n 4 --slots 2 --lose 2@30 --json --check');
    expect(code).toBe(0);
    const [report] = JSON.parse(out) as SimulationReport[];
    expect(report).toMatchObject({ policy: 'locality', tasks: 400, nodes: 4, slots: 8, completed: 400, failed: 0 });
    expect(report!.rerun).toBeGreaterThan(0);
  });

  it.each([
    ['simulate -g butterfly', 2, 'there is no graph butterfly; choose cholesky'],
    ['simulate -n 0', 2, '--nodes is a whole number from 1'],
    ['simulate --bandwidth 0', 2, '--bandwidth is above 0'],
    ['simulate --spread 2', 2, '--spread lies between 0 and 1'],
    ['simulate --speeds fast', 2, '--speeds takes numbers above 0'],
    ['simulate -n 3 --lose 3@10', 2, 'with NODE from 1 to 2'],
    ['simulate --scheduler best', 1, 'ERR_CONFIG_INVALID'],
    ['simulate more', 2, 'one argument too many'],
  ])('%s is refused', async (line, code, message) => {
    const answer = await metakernel(line);
    expect(answer.error).toContain(message);
    expect(answer).toMatchObject({ code, out: '' });
  });
});
