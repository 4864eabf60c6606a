import type { KmeansOptions } from '../../examples/kmeans/model.ts';
import { ProgressBar } from './progress-bar.ts';
import { runReference } from './reference-run.ts';
import { faultsOf, figuresOf, formatResult, type ReportedAgent, resultOf, writeResult, writeViews } from './report.ts';
import { runTraining } from './training.ts';

export interface TrainAndReport {
  /** The first one is asked; the others have been added to it. */
  readonly agents: readonly ReportedAgent[];
  /** The files as the agents find them, in the way of examples/kmeans/sources.ts. */
  readonly names: string;
  /** The same files as we find them. */
  readonly files: readonly string[];
  readonly options: KmeansOptions;
  readonly out: string;
  /** They are not needed any more: the plain run has the machine for itself. */
  readonly stopAgents: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** The k-means over agents and in a plain process, compared; the exit code. */
export async function trainAndReport(given: TrainAndReport): Promise<number> {
  const { agents, files, options, out, signal } = given;
  for (const { name, pid, client } of agents) console.log(`${name}: pid ${pid}, ${client.connection.url}`);
  const training = await train(given);
  const figures = await figuresOf(agents, training);
  const views = await writeViews(out, agents[0]!.client, training);
  await given.stopAgents();
  console.log('the same in one plain process, to compare with …');
  const reference = await runReference(files, options, signal);
  const result = resultOf(training, reference, figures);
  console.log(`\n${formatResult(result)}`);
  for (const [label, path] of [...views, ['result', writeResult(out, result)] as const]) {
    console.log(`  ${label.padEnd(24)} ${path}`);
  }
  const faults = faultsOf(result, reference.iterations);
  for (const fault of faults) console.error(`not as it should be: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

async function train({ agents, names, options, signal }: TrainAndReport): ReturnType<typeof runTraining> {
  using watcher = new ProgressBar(options.iterations);
  return await runTraining({ client: agents[0]!.client, files: names, options, watcher, signal });
}
