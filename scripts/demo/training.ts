import type { KmeansOptions, Model } from '../../examples/kmeans/model.ts';
import type { AgentClient } from '../../src/cli/client.ts';
import { applicationEvents } from '../../src/cli/event-stream.ts';
import { type ApplicationBody, resultBody, startedReply } from '../../src/contracts/agent/views.ts';

/** One line of what the main prints. */
export interface IterationLine {
  readonly iteration: number;
  readonly inertia: number;
  readonly shift: number;
}

export interface TrainingWatcher {
  iteration(line: IterationLine): void;
  tasks(completedByNode: Readonly<Record<string, number>>): void;
}

export interface TrainingResult {
  readonly appId: string;
  readonly model: Model;
  readonly wallSeconds: number;
  readonly completedByNode: Readonly<Record<string, number>>;
}

export interface Training {
  readonly client: AgentClient;
  readonly files: string;
  readonly options: KmeansOptions;
  readonly watcher: TrainingWatcher;
  readonly signal: AbortSignal;
}

/** Starts the k-means by `PUT /COMPSs/startApplication` and follows it to its end. Throws what it failed with. */
export async function runTraining({ client, files, options, watcher, signal }: Training): Promise<TrainingResult> {
  const startedAt = performance.now();
  const { appId } = await client.json('/COMPSs/startApplication', startedReply, {
    method: 'PUT',
    body: startBody(files, options),
    signal,
  });
  const [ended] = await Promise.all([
    followEvents(client, appId, watcher, signal),
    followLines(client, appId, watcher, signal),
  ]);
  const wallSeconds = (performance.now() - startedAt) / 1000;
  if (ended.status !== 'completed') {
    throw new Error(`the k-means ${ended.status}: ${ended.error?.message ?? 'no reason was given'}`);
  }
  const { results } = await client.json(`/COMPSs/applications/${appId}/result`, resultBody, { signal });
  return { appId, model: results[0]?.value as Model, wallSeconds, completedByNode: ended.completedByNode };
}

const startBody = (files: string, { k, iterations, epsilon, seed, standardise }: KmeansOptions): object => ({
  lang: 'JS',
  className: 'kmeans.ts',
  methodName: standardise ? 'trainStandardised' : 'train',
  hasResult: true,
  parameters: [
    { type: 'STRING_T', direction: 'IN', value: files },
    { type: 'INT_T', direction: 'IN', value: k },
    { type: 'INT_T', direction: 'IN', value: iterations },
    { type: 'DOUBLE_T', direction: 'IN', value: epsilon },
    { type: 'INT_T', direction: 'IN', value: seed },
  ],
});

async function followEvents(
  client: AgentClient,
  appId: string,
  watcher: TrainingWatcher,
  signal: AbortSignal,
): Promise<ApplicationBody> {
  let last: ApplicationBody | undefined;
  for await (const event of applicationEvents(client, appId, signal)) {
    if (event.type === 'progress') watcher.tasks(event.completedByNode);
    else if (event.type === 'status') {
      last = event.application;
      watcher.tasks(last.completedByNode);
    }
  }
  signal.throwIfAborted();
  if (last === undefined) throw new Error('the agent told no end of the k-means');
  return last;
}

/** Iterations are told on the main's stdout. */
async function followLines(
  client: AgentClient,
  appId: string,
  watcher: TrainingWatcher,
  signal: AbortSignal,
): Promise<void> {
  const path = `/COMPSs/applications/${appId}/logs?follow=true`;
  const response = await client.request(path, { accept: 'text/plain', signal });
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('{"iteration"')) watcher.iteration(JSON.parse(line) as IterationLine);
    }
  }
}
