import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Model } from '../../../examples/kmeans/model.ts';
import { parsePorts, usedPort } from '../../../scripts/demo/ports.ts';
import { type DemoResult, faultsOf, formatResult, resultOf } from '../../../scripts/demo/report.ts';
import { demoSettings } from '../../../scripts/demo/settings.ts';

describe('ports of the demo', () => {
  test('are those of the deployment test, or the four that are named', () => {
    expect(parsePorts(undefined)).toEqual([46_101, 46_201, 46_301, 46_401]);
    expect(parsePorts('47101,47201,47301,47401')).toEqual([47_101, 47_201, 47_301, 47_401]);
    for (const wrong of ['47101', '1,2,3,x', '1,2,3,3', '1,2,3,70000']) {
      expect(() => parsePorts(wrong)).toThrowError(`PORTS needs 4 different ports`);
    }
  });

  test('are looked at with the two after each', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    for (const rest of [port, port - 1, port - 2])
      expect(await usedPort([rest], '127.0.0.1')).toBeLessThanOrEqual(port);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('settings of the demo', () => {
  test('have the seed’s data set as their default', () => {
    expect(demoSettings({})).toEqual({
      points: 800_000,
      options: { k: 8, iterations: 20, epsilon: 1e-4, seed: 1, standardise: false },
    });
    expect(demoSettings({ POINTS: '80000', K: '3', EPSILON: '-1' })).toMatchObject({
      points: 80_000,
      options: { k: 3, epsilon: -1 },
    });
  });

  test('name the variable that is wrong', () => {
    expect(() => demoSettings({ POINTS: '10' })).toThrowError('POINTS needs a number from 96 up, not 10');
    expect(() => demoSettings({ K: 'many' })).toThrowError('K needs a number from 1 up, not many');
  });
});

describe('the result of the demo', () => {
  const model = (centres: number[][]): Model => ({
    k: centres.length,
    dims: centres[0]!.length,
    names: [],
    centres,
    counts: centres.map(() => 1),
    inertia: 12.5,
    iterations: 4,
    converged: true,
    shift: 0,
    notices: [],
  });
  const agents = [
    { name: 'agent1', pid: 11, tasks: 40, bytesIn: 1_000_000, bytesOut: 0 },
    { name: 'agent2', pid: 12, tasks: 3, bytesIn: 0, bytesOut: 2_500_000 },
  ];
  const training = { appId: '1', model: model([[1, 2]]), wallSeconds: 2, completedByNode: {} };

  test('holds what was asked for, and nothing else', () => {
    expect(resultOf(training, model([[1, 2]]), agents)).toEqual({
      iterations: 4,
      inertia: 12.5,
      maxRelativeError: 0,
      wallSeconds: 2,
      agents,
    });
    expect(formatResult(resultOf(training, model([[1, 2]]), agents))).toContain('2.5 MB');
  });

  test('is no success when an agent was idle, or the plain run came out otherwise', () => {
    const good = resultOf(training, model([[1, 2]]), agents);
    expect(faultsOf(good, 4)).toEqual([]);
    const idle: DemoResult = { ...good, agents: [agents[0]!, { ...agents[1]!, tasks: 0 }] };
    expect(faultsOf(idle, 4)).toEqual(['agent2 ran no task']);
    expect(faultsOf(resultOf(training, model([[1, 2.000_001]]), agents), 4)).toEqual([
      expect.stringContaining('differ'),
    ]);
    expect(faultsOf({ ...good, maxRelativeError: Number.NaN }, 4)).toHaveLength(1);
    expect(faultsOf(good, 5)).toEqual(['it made 4 iterations, a plain run 5']);
  });
});
