import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDataset } from '../../examples/kmeans/dataset.ts';
import { type Model, maxRelativeError } from '../../examples/kmeans/model.ts';
import { referenceKmeans } from '../../examples/kmeans/reference.ts';
import type { AgentProcess } from '../../scripts/demo/agents.ts';
import { runTraining, type TrainingWatcher } from '../../scripts/demo/training.ts';
import { applicationBody, dataBody, startedReply } from '../../src/contracts/agent/views.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type FourAgents, startFourAgents } from './four-agents.ts';

const TOLERANCE = 1e-9;
/** No shift is below it: all iterations are made, so that there is a middle to kill somebody in. */
const NEVER = -1;
const options = { k: 8, iterations: 200, epsilon: NEVER, seed: 3, standardise: false };
/** Tasks that the victim has reported before it is killed. */
const TASKS_BEFORE = 5;

let folder: ReturnType<typeof tempDir>;
let files: readonly string[];
let reference: Model;

beforeAll(async () => {
  folder = tempDir('kmeans-agents');
  files = await makeDataset(folder.path, 2_400);
  reference = referenceKmeans(files, options);
});
afterAll(() => folder[Symbol.dispose]());

function train(agents: FourAgents, watcher: Partial<TrainingWatcher> = {}): ReturnType<typeof runTraining> {
  return runTraining({
    client: agents.first.client,
    files: files.map((file) => `@${file}`).join(','),
    options,
    watcher: { iteration: () => undefined, tasks: () => undefined, ...watcher },
    signal: new AbortController().signal,
  });
}

const versionsHeld = async ({ client }: AgentProcess): Promise<number> =>
  (await client.json('/COMPSs/data', dataBody)).store.versions;

describe('k-means over four agents', () => {
  test('spreads over all of them, finds the centres of a plain run and leaves no data', async () => {
    await using agents = await startFourAgents();
    const { model, completedByNode } = await train(agents);
    expect(maxRelativeError(model, reference)).toBeLessThanOrEqual(TOLERANCE);
    expect(model.iterations).toBe(options.iterations);
    expect(Object.keys(completedByNode).sort()).toEqual(['agent1', 'agent2', 'agent3', 'agent4']);
    await expect.poll(() => Promise.all(agents.all.map(versionsHeld)), { timeout: 10_000 }).toEqual([0, 0, 0, 0]);
  });

  test.for(['agent2', 'agent3', 'agent4'])('finds them too when %s is killed in the middle', async (name) => {
    await using agents = await startFourAgents();
    const victim = agents.helpers.find((helper) => helper.name === name)!;
    let seen = 0;
    let killedAt: number | undefined;
    const { model, completedByNode } = await train(agents, {
      iteration: ({ iteration }) => {
        seen = iteration;
      },
      tasks: (completed) => {
        if (killedAt !== undefined || (completed[name] ?? 0) < TASKS_BEFORE) return;
        killedAt = seen;
        process.kill(victim.pid, 'SIGKILL');
      },
    });
    await victim.exited;
    expect(killedAt).toBeLessThan(options.iterations);
    expect(completedByNode[name]).toBeGreaterThanOrEqual(TASKS_BEFORE);
    expect(maxRelativeError(model, reference)).toBeLessThanOrEqual(TOLERANCE);
    expect(model.counts).toEqual(reference.counts);
    const living = agents.all.filter((agent) => agent !== victim);
    await expect.poll(() => Promise.all(living.map(versionsHeld)), { timeout: 10_000 }).toEqual([0, 0, 0]);
  });
});

describe('files that cannot be used', () => {
  test('fail the application with their own error, and the agent goes on', async () => {
    await using agents = await startFourAgents();
    const { client } = agents.first;
    const broken = await makeDataset(join(folder.path, 'broken'), 240);
    truncateSync(broken[7]!, 1_000);
    const endOf = async (names: string): Promise<unknown> => {
      const body = {
        lang: 'JS',
        className: 'kmeans.ts',
        methodName: 'train',
        parameters: [{ type: 'STRING_T', direction: 'IN', value: names }],
      };
      const { appId } = await client.json('/COMPSs/startApplication', startedReply, { method: 'PUT', body });
      return client.json(`/COMPSs/applications/${appId}?waitMs=60000`, applicationBody);
    };
    expect(await endOf(broken.map((file) => `@${file}`).join(','))).toMatchObject({
      status: 'failed',
      error: {
        code: 'ERR_INPUT_FILE_INVALID',
        message: `${broken[7]}: is truncated: 1000 bytes where 16128 belong`,
      },
    });
    const missing = join(folder.path, 'missing.npy');
    expect(await endOf(`@${missing}`)).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_INPUT_FILE_MISSING', message: `${missing}: no such file` },
    });
    const { model } = await train(agents);
    expect(maxRelativeError(model, reference)).toBeLessThanOrEqual(TOLERANCE);
  });
});
