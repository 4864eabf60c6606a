import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Model, maxRelativeError } from '../../examples/kmeans/model.ts';
import { writeNpy } from '../../examples/kmeans/npy.ts';
import type { AgentClient } from '../../src/cli/client.ts';
import { dataBody } from '../../src/contracts/agent/views.ts';
import type { TrainingResult } from './training.ts';

/** The centres of a distributed run may differ from those of a plain one by so much, relative to the largest. */
const TOLERANCE = 1e-9;

export interface ReportedAgent {
  readonly name: string;
  readonly pid: number;
  readonly client: AgentClient;
}

export interface AgentFigures {
  readonly name: string;
  readonly pid: number;
  readonly tasks: number;
  /** Over the data port. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What `result.json` holds. */
export interface DemoResult {
  readonly iterations: number;
  readonly inertia: number;
  readonly maxRelativeError: number;
  readonly wallSeconds: number;
  readonly agents: readonly AgentFigures[];
}

export function resultOf(training: TrainingResult, reference: Model, agents: readonly AgentFigures[]): DemoResult {
  const { model, wallSeconds } = training;
  return {
    iterations: model.iterations,
    inertia: model.inertia,
    maxRelativeError: maxRelativeError(model, reference),
    wallSeconds,
    agents,
  };
}

/** Why the run does not count as a success; empty when it does. */
export function faultsOf(result: DemoResult, expectedIterations: number): string[] {
  const idle = result.agents.filter(({ tasks }) => tasks === 0).map(({ name }) => `${name} ran no task`);
  const equal = result.maxRelativeError <= TOLERANCE;
  return [
    ...idle,
    ...(equal ? [] : [`the centres differ from those of a plain run by ${result.maxRelativeError}`]),
    ...(result.iterations === expectedIterations
      ? []
      : [`it made ${result.iterations} iterations, a plain run ${expectedIterations}`]),
  ];
}

export async function figuresOf(agents: readonly ReportedAgent[], training: TrainingResult): Promise<AgentFigures[]> {
  return Promise.all(
    agents.map(async ({ name, pid, client }) => {
      const { transfers } = await client.json('/COMPSs/data', dataBody);
      const tasks = training.completedByNode[name] ?? 0;
      return { name, pid, tasks, bytesIn: transfers.bytesIn, bytesOut: transfers.bytesOut };
    }),
  );
}

/** Writes what can be looked at; gives the names of the files with what they hold. */
export async function writeViews(
  folder: string,
  client: AgentClient,
  { appId, model }: TrainingResult,
): Promise<readonly (readonly [label: string, path: string])[]> {
  mkdirSync(folder, { recursive: true });
  const application = `/COMPSs/applications/${appId}`;
  const at = (name: string): string => join(folder, name);
  writeNpy(at('centres.npy'), [model.k, model.dims], [Float64Array.from(model.centres.flat())]);
  writeFileSync(at('graph.dot'), await client.text(`${application}/graph?format=dot`, { accept: '*/*' }));
  writeFileSync(at('graph.svg'), await client.text(`${application}/graph?format=svg`, { accept: '*/*' }));
  writeFileSync(at('timeline.json'), await client.text(`${application}/timeline`));
  return [
    ['centres', at('centres.npy')],
    ['graph (DOT)', at('graph.dot')],
    ['graph (SVG)', at('graph.svg')],
    ['timeline (Chrome trace)', at('timeline.json')],
  ];
}

export function writeResult(folder: string, result: DemoResult): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'result.json');
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export function formatResult(result: DemoResult): string {
  const { iterations, inertia, wallSeconds, agents } = result;
  const row = (...cells: readonly string[]): string => `  ${cells.map((cell) => cell.padStart(12)).join('')}`;
  return [
    `${iterations} iterations, inertia ${inertia.toPrecision(12)}, ${wallSeconds.toFixed(2)} s`,
    `largest difference from a plain run: ${result.maxRelativeError.toExponential(2)} relative`,
    row('agent', 'pid', 'tasks', 'bytes in', 'bytes out'),
    ...agents.map(({ name, pid, tasks, bytesIn, bytesOut }) =>
      row(name, String(pid), String(tasks), megabytes(bytesIn), megabytes(bytesOut)),
    ),
  ].join('\n');
}
