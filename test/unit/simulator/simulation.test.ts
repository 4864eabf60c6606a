import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../../../src/common/errors.ts';
import {
  accessTo,
  type Cluster,
  type ModelProgram,
  type ModelTask,
  PROGRAMS,
  type ProgramName,
  Random,
  type SimulationReport,
  simulate,
  uniformCluster,
} from '../../../src/simulator/index.ts';

interface Shape {
  readonly tasks: number;
  readonly ms?: number;
  readonly spread?: number;
  readonly bytes?: number;
  readonly seed?: number;
}

const program = (name: ProgramName, { tasks, ms = 10, spread = 0, bytes = 0, seed = 7 }: Shape): ModelProgram =>
  PROGRAMS[name]({ tasks, ms, spread, bytes, random: new Random(seed) });

const cluster = (nodes: number, slots: number, more: object = {}): Cluster =>
  uniformCluster({ nodes, slots, bandwidth: 1e6, latencyMs: 0, ...more });

/** A program of the given tasks, of one element that takes a slot. */
const programOf = (tasks: readonly ModelTask[], cpus = 1): ModelProgram => ({
  name: 'given',
  elements: [{ name: 'step', cpus }],
  tasks: tasks.length,
  steps: () => tasks.map((task) => ({ task })),
});

const taskOf = (ms: number, read: readonly number[], written: number): ModelTask => ({
  element: 0,
  accesses: [...read.map((datum) => accessTo(datum, 'IN')), accessTo(written, 'OUT')],
  bytes: [8],
  ms,
});

describe('makespans that are known', () => {
  it('a chain takes the sum of its tasks', () => {
    const report = simulate({ program: program('chain', { tasks: 50 }), cluster: cluster(4, 2), check: true });
    expect(report.makespanMs).toBe(500);
    expect(report).toMatchObject({ tasks: 50, completed: 50, failed: 0, criticalPathMs: 500, boundMs: 500 });
  });

  it('independent tasks take as many rounds as there are slots for them', () => {
    const report = simulate({ program: program('independent', { tasks: 45 }), cluster: cluster(5, 2), check: true });
    expect(report.makespanMs).toBe(50);
    expect(report.utilisation).toBeCloseTo(0.9, 12);
  });

  it('a tree takes its height when there is a slot for each leaf', () => {
    const report = simulate({ program: program('tree', { tasks: 127 }), cluster: cluster(1, 64), check: true });
    expect(report.makespanMs).toBe(70);
  });

  it.each(['stencil', 'random', 'cholesky', 'kmeans'] as const)(
    '%s on one wide node takes its longest path',
    (name) => {
      const report = simulate({
        program: program(name, { tasks: 300, spread: 0.5 }),
        cluster: cluster(1, 1000),
        check: true,
      });
      expect(report.makespanMs).toBeCloseTo(report.criticalPathMs, 6);
      expect(report.completed).toBe(report.tasks);
    },
  );

  it('a fork and a join wait for the longest branch', () => {
    const tasks = [
      taskOf(5, [], 0),
      taskOf(20, [0], 1),
      taskOf(30, [0], 2),
      taskOf(10, [0], 3),
      taskOf(1, [1, 2, 3], 4),
    ];
    const report = simulate({ program: programOf(tasks), cluster: cluster(1, 3), check: true });
    expect(report.makespanMs).toBe(36);
  });

  it('tasks of two slots run two at a time on four', () => {
    const tasks = Array.from({ length: 6 }, (_, index) => taskOf(10, [], index));
    expect(simulate({ program: programOf(tasks, 2), cluster: cluster(1, 4), check: true }).makespanMs).toBe(30);
  });

  it('latency is paid both ways by each link of a chain that has to change nodes', () => {
    const nodes = cluster(2, 1, { latencyMs: 3 }).nodes.map((node, index) => ({ ...node, slots: index === 0 ? 0 : 1 }));
    const report = simulate({ program: program('chain', { tasks: 4 }), cluster: { nodes, faults: [] }, check: true });
    // The first order, four runs, three times back and forth, the last report.
    expect(report.makespanMs).toBe(3 + 4 * 10 + 3 * 6 + 3);
  });

  it('a large input takes its time on the link', () => {
    const bytes = 5e6;
    const nodes = cluster(2, 1, { latencyMs: 0 }).nodes;
    const pair = [taskOf(10, [], 0), taskOf(10, [], 1), taskOf(10, [0, 1], 2)].map((task) => ({
      ...task,
      bytes: [bytes],
    }));
    const report = simulate({ program: programOf(pair), cluster: { nodes, faults: [] }, check: true });
    expect(report.makespanMs).toBe(10 + bytes / 1e6 + 10);
    expect(report).toMatchObject({ bytesMoved: bytes, transfers: 1 });
  });
});

describe('reports', () => {
  /** Without what depends on the machine. */
  const decided = ({ coreMs, wallMs, cpuMs, eventsPerSecond, decisionsPerSecond, ...rest }: SimulationReport) => rest;

  it('are the same for the same seed', () => {
    const run = (seed: number) =>
      decided(
        simulate({
          program: program('random', { tasks: 400, spread: 0.5, bytes: 1e5, seed }),
          cluster: cluster(6, 2, { latencyMs: 0.2, speeds: [1, 2, 0.5] }),
        }),
      );
    expect(run(3)).toEqual(run(3));
    expect(run(4)).not.toEqual(run(3));
  });

  it('never beat the bound', () => {
    for (const policy of ['fifo', 'fifo-strict', 'lifo', 'locality', 'load-balance', 'weighted']) {
      const report = simulate({
        program: program('cholesky', { tasks: 300, spread: 0.3, bytes: 1e6 }),
        cluster: cluster(4, 2, { latencyMs: 0.1, speeds: [1, 3] }),
        core: { policy },
        check: true,
      });
      expect(report.makespanMs, policy).toBeGreaterThanOrEqual(report.boundMs);
      expect(report.completed, policy).toBe(report.tasks);
    }
  });

  it('a window bounds what is submitted and changes nothing of what is computed', () => {
    const report = simulate({ program: program('stencil', { tasks: 900 }), cluster: cluster(3, 4), window: 64 });
    expect(report).toMatchObject({ tasks: 900, completed: 900 });
  });
});

describe('policies', () => {
  const moved = (policy: string, name: ProgramName): SimulationReport =>
    simulate({
      program: program(name, { tasks: 600, spread: 0.3, bytes: 1e6 }),
      cluster: cluster(8, 2, { latencyMs: 0.1 }),
      core: { policy },
    });

  it('locality moves less than any policy that does not look at data', () => {
    const local = moved('locality', 'kmeans').bytesMoved;
    for (const other of ['fifo', 'lifo', 'load-balance']) {
      expect(moved(other, 'kmeans').bytesMoved, other).toBeGreaterThan(1.5 * local);
    }
  });

  it('and is no slower for it where data is what costs', () => {
    expect(moved('locality', 'kmeans').makespanMs).toBeLessThan(moved('load-balance', 'kmeans').makespanMs);
  });
});

describe('faults', () => {
  it('what a dead node had run or was running runs again elsewhere, and everything ends', () => {
    const plain = cluster(4, 2, { latencyMs: 0.1 });
    const faults = [1, 2, 3].map((node) => ({ node, atMs: 60 * node, detectedAfterMs: 20, backAfterMs: 50 }));
    const options = { program: program('stencil', { tasks: 400, bytes: 1e5, spread: 0.2 }), check: true };
    const report = simulate({ ...options, cluster: { ...plain, faults } });
    expect(report).toMatchObject({ tasks: 400, completed: 400, failed: 0 });
    expect(report.rerun).toBeGreaterThan(0);
    expect(report.recomputed).toBeGreaterThan(0);
    expect(report.makespanMs).toBeGreaterThan(simulate({ ...options, cluster: plain }).makespanMs);
  });

  it('a program that no node can run is told so, with what it needs', () => {
    const run = () => simulate({ program: programOf([taskOf(1, [], 0)], 5), cluster: cluster(2, 4) });
    expect(run).toThrow(RuntimeError);
    expect(run).toThrow(/stands still: 0 of 1 tasks.*5/s);
  });
});
