/** The part of the container demo that talks to containers: run by demo-containers.ts where their ports can be reached. */
import { basename, dirname, join, resolve } from 'node:path';
import { interruptible } from '../interruptible.ts';
import { addResources, allOrFirstError, cpusEach } from './agents.ts';
import { importBaseImage } from './base-image.ts';
import {
  type AgentContainer,
  createNetwork,
  createToken,
  GRPC_PORT,
  type SharedToken,
  startAgentContainer,
} from './containers.ts';
import { docker } from './docker.ts';
import { demoDataset, demoSettings, outFolder } from './settings.ts';
import { trainAndReport } from './train-and-report.ts';

const root = join(import.meta.dirname, '../..');
const NAMES = ['agent1', 'agent2', 'agent3', 'agent4'] as const;
const BASE = 'metakernel-base:local';
const IMAGE = 'metakernel:local';
const DATA_AT = '/data';

async function run(signal: AbortSignal): Promise<number> {
  const { points, options } = demoSettings(process.env);
  const files = await demoDataset(process.env, points, signal);
  await buildImage(signal);
  await using opened = new AsyncDisposableStack();
  const token = opened.use(createToken());
  const network = `metakernel-demo-${process.pid}`;
  opened.use(await createNetwork(network));
  const folder = dirname(files[0]!);
  const inside = `${DATA_AT}/${basename(folder)}`;
  const agents = await startAgents({ network, token, data: [resolve(folder), inside], opened });
  signal.throwIfAborted();
  return await trainAndReport({
    agents,
    names: files.map((file) => `@${inside}/${basename(file)}`).join(','),
    files,
    options,
    out: outFolder(process.env),
    stopAgents: async () => {
      // The first one goes first: it would report the others as lost.
      await agents[0]![Symbol.asyncDispose]();
      await opened.disposeAsync();
    },
    signal,
  });
}

async function buildImage(signal: AbortSignal): Promise<void> {
  console.log('building the image …');
  await importBaseImage(BASE, signal);
  await docker(['build', '--quiet', '--build-arg', `BASE=${BASE}`, '--tag', IMAGE, root], signal);
}

interface Start {
  readonly network: string;
  readonly token: SharedToken;
  /** Folder of the data set: here, in the containers. */
  readonly data: readonly [from: string, to: string];
  readonly opened: AsyncDisposableStack;
}

async function startAgents({ network, token, data, opened }: Start): Promise<readonly AgentContainer[]> {
  const cpus = cpusEach(NAMES.length);
  const volumes = [data, [join(root, 'examples/kmeans'), '/app']] as const;
  const starts = NAMES.map(async (name) =>
    opened.use(await startAgentContainer({ name, image: IMAGE, network, cpus, token, volumes })),
  );
  const agents = await allOrFirstError(starts);
  const [first, ...others] = agents;
  for (const { name } of others) await addResources(first!.client, { name, host: name, grpcPort: GRPC_PORT, cpus });
  return agents;
}

process.exitCode = await interruptible(run);
