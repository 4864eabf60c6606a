import { JobState, JobType } from '../../contracts/icos/enums.ts';
import type { It1DeploymentBody } from '../../contracts/icos/job-it1.ts';
import type { It1ResourceBody } from '../../contracts/icos/shell.ts';
import type { Taxonomy } from '../../contracts/icos/taxonomy.ts';

/** What this service looks at in a deployment of the job manager. Everything else passes through. */
export interface Deployment {
  readonly ID: string;
  readonly appName: string;
  readonly jobs: readonly { readonly type?: number; readonly state?: number }[] | null;
}

const SEED_ID_DIGITS = 13;

/**
 * The seed's numeric id: the first 52 bits of the UUID, which a JSON number holds exactly. Two deployments of one user
 * would have to be many millions before they collide.
 */
export const seedIdOf = (uuid: string): number =>
  Number.parseInt(uuid.replaceAll('-', '').slice(0, SEED_ID_DIGITS), 16);

/** The release's deployment with the seed's three members in front: clients of either find what they know. */
export const bothForms = <T extends Deployment>(deployment: T): It1DeploymentBody & T => ({
  id: seedIdOf(deployment.ID),
  name: deployment.appName,
  status: isRunning(deployment) ? 'running' : 'pending',
  ...deployment,
});

const isRunning = ({ jobs }: Deployment): boolean =>
  jobs !== null &&
  jobs.length > 0 &&
  jobs.every(({ type, state }) => state === JobState.Finished && type !== JobType.DeleteDeployment);

const NO_PARENT = 0;

/** FNV-1a over 52 bits: a number for a name, the same wherever it is computed. */
function numberOf(name: string): number {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(name)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffff_ffff_ffff_ffffn;
  return Number(hash >> 12n);
}

const keyOf = (cluster: string, node: string): string => JSON.stringify([cluster, node]);

/** The taxonomy as the seed's flat list: clusters are controllers, their nodes follow them. */
export function resourcesOf(taxonomy: Taxonomy): readonly It1ResourceBody[] {
  return Object.entries(taxonomy.cluster).flatMap(([clusterKey, cluster]): It1ResourceBody[] => {
    const id = numberOf(clusterKey);
    const name = cluster.name ?? clusterKey;
    const nodes = Object.entries(cluster.node).map(
      ([nodeKey, node]): It1ResourceBody => ({
        id: numberOf(keyOf(clusterKey, nodeKey)),
        name: node.name ?? nodeKey,
        type: 'node',
        parentId: id,
        status: 'online',
      }),
    );
    const status = nodes.length > 0 ? 'online' : 'offline';
    return [{ id, name, type: 'controller', parentId: NO_PARENT, status }, ...nodes];
  });
}
