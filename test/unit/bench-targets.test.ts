import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { terminalTable } from '../../bench/support/table.ts';
import { TARGETS } from '../../bench/targets.ts';

const bench = join(import.meta.dirname, '../../bench');

describe('first targets of the benchmarks', () => {
  it('each has a benchmark that writes its result', () => {
    for (const { benchmark, result } of TARGETS) {
      const source = join(bench, `${benchmark}.bench.ts`);
      expect(existsSync(source), source).toBe(true);
      expect(existsSync(join(bench, 'results', `${result}.json`)), result).toBe(true);
    }
  });

  it('says of a result whether it meets its target, on the right side', () => {
    const judged = (name: string, change: object): boolean => {
      const target = TARGETS.find(({ result }) => result === name)!;
      const measured = JSON.parse(readFileSync(join(bench, 'results', `${name}.json`), 'utf8')) as object;
      return target.met({ ...measured, ...change } as Parameters<typeof target.met>[0]);
    };
    expect(judged('transfer', { ratio: 0.75 })).toBe(true);
    expect(judged('transfer', { ratio: 0.74 })).toBe(false);
    expect(judged('latency-local', { ratio: 2 })).toBe(true);
    expect(judged('latency-local', { ratio: 2.01 })).toBe(false);
    expect(judged('handoff-8mb', { ratio: 0.05 })).toBe(true);
    expect(judged('handoff-8mb', { ratio: 0.051 })).toBe(false);
    expect(judged('noop-threads', { ratio: 2, value: 140_000 })).toBe(true);
    expect(judged('noop-threads', { ratio: 3, value: 139_999 })).toBe(false);
    expect(judged('fleet-links', { value: 1000, details: { agents: 3500, lost: 0 } })).toBe(true);
    expect(judged('fleet-links', { value: 10, details: { agents: 3500, lost: 1 } })).toBe(false);
    expect(judged('fleet-links', { value: 10, details: { agents: 100, lost: 0 } })).toBe(false);
  });

  it('prints the targets of the benchmarks that were asked for', () => {
    const lines = terminalTable(['metg', 'transfer']).split('\n');
    expect(lines).toHaveLength(1 + TARGETS.filter(({ benchmark }) => ['metg', 'transfer'].includes(benchmark)).length);
    expect(lines[0]).toMatch(/^benchmark +what +measured +first target +met$/);
  });
});
