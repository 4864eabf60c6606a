import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../examples/kmeans/random.ts';
import { CliError } from '../../src/cli/exit.ts';
import {
  type ApplicationBody,
  applicationBody,
  errorReply,
  resultBody,
  startedReply,
  storyBody,
} from '../../src/contracts/agent/views.ts';
import type { ChaosNode } from './cluster.ts';
import { pause } from './commands.ts';
import type { Tally } from './tally.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

const DEADLINE_MS = 180_000;
const POLL_MS = 2_000;
const ANSWER_MS = 10_000;
const ENDED: readonly string[] = ['completed', 'failed', 'cancelled', 'lost'];

export interface RunsContext {
  readonly first: ChaosNode;
  readonly seed: number;
  readonly folder: string;
  readonly logs: string;
  readonly tally: Tally;
  /** No further run begins. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Runs one program after the other; `lane`: which of several that do so. */
export async function runPrograms(context: RunsContext, lane: number): Promise<void> {
  const random = createRandom(context.seed, 1_000 + lane);
  for (let run = 0; !context.signal.aborted; run++) {
    const source = WORKLOADS[random.below(WORKLOADS.length)]!;
    const id = `${lane}-${run}`;
    const workload = await source({ folder: join(context.folder, id), data: join(context.folder, 'data'), random });
    await judge(context, workload, id).catch((error: unknown) => {
      context.tally.lost += 1;
      context.say(`LOST run ${id} ${workload.name}: ${String(error)}`);
    });
  }
}

async function judge({ first, tally, say, logs }: RunsContext, workload: Workload, id: string): Promise<void> {
  const label = `run ${id} ${workload.name}(${workload.parameters.slice(-3).join(', ')})`;
  const started = performance.now();
  const end = started + DEADLINE_MS;
  const appId = await untilAnswered(end, () => startRun(first, workload));
  const ended = appId === undefined ? undefined : await untilAnswered(end, () => endOf(first, appId));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (appId === undefined || ended === undefined) {
    tally.lost += 1;
    say(`LOST ${label}: no end after ${seconds} s, application ${appId}`);
    return;
  }
  if (ended.status !== 'completed') {
    tally.failed += 1;
    say(`failed ${label}: ${ended.status} after ${seconds} s: ${ended.error?.code} ${ended.error?.message}`);
    writeFileSync(join(logs, `run-${id}.json`), await storiesOf(first, ended));
    return;
  }
  const answer = await untilAnswered(end, () => answerOf(first, appId));
  const wrong = answer === undefined ? 'the result cannot be had' : workload.wrong(answer.value);
  if (wrong === undefined) tally.right += 1;
  else tally.wrong += 1;
  say(
    `${wrong === undefined ? 'right' : 'WRONG'} ${label} after ${seconds} s${wrong === undefined ? '' : `: ${wrong}`}`,
  );
}

/** What happened to the tasks that its error names. */
async function storiesOf({ client }: ChaosNode, { appId, error }: ApplicationBody): Promise<string> {
  const tasks = [...new Set(error?.message.match(/\bt\d+\b/g))].slice(0, 4);
  const ask = (task: string) => client.json(`/COMPSs/applications/${appId}/tasks/${task}/story`, storyBody);
  const stories = await Promise.all(tasks.map((task) => ask(task).catch(String)));
  return JSON.stringify({ error, stories }, undefined, 1);
}

/** The agent itself says no, and will not say otherwise. */
const isRefusal = (error: unknown): boolean =>
  error instanceof CliError && errorReply.safeParse(error.body).data?.retryable === false;

/** Tries again while node 1 does not answer; undefined at the deadline. */
async function untilAnswered<T>(end: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (isRefusal(error)) throw error;
    }
    await pause(100);
  }
  return undefined;
}

async function startRun({ client }: ChaosNode, workload: Workload): Promise<string> {
  const body = {
    lang: 'JS',
    className: workload.className,
    methodName: workload.methodName,
    hasResult: true,
    parameters: workload.parameters.map((value) => ({
      type: typeof value === 'number' ? (Number.isInteger(value) ? 'LONG_T' : 'DOUBLE_T') : 'STRING_T',
      direction: 'IN',
      value,
    })),
  };
  const signal = AbortSignal.timeout(ANSWER_MS);
  return (await client.json('/COMPSs/startApplication', startedReply, { method: 'PUT', body, signal })).appId;
}

async function endOf({ client }: ChaosNode, appId: string): Promise<ApplicationBody | undefined> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const path = `/COMPSs/applications/${appId}?waitMs=${POLL_MS}`;
  const application = await client.json(path, applicationBody, { signal });
  return ENDED.includes(application.status) ? application : undefined;
}

async function answerOf({ client }: ChaosNode, appId: string): Promise<{ readonly value: unknown }> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const { results } = await client.json(`/COMPSs/applications/${appId}/result`, resultBody, { signal });
  return { value: results[0]?.value };
}
