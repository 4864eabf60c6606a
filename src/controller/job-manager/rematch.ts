import type { JsonObject } from '../../contracts/icos/descriptor/application.ts';
import type { Placement } from '../../contracts/icos/target.ts';
import { changeGroup, type GroupChange, type LoadedGroup } from './change-group.ts';
import type { JobManager } from './context.ts';
import { groupById } from './group-repository.ts';
import { changeOf } from './groups.ts';
import type { GroupId, Job } from './job.ts';
import { unmatchedJobs } from './job-repository.ts';
import { type Caller, type ComponentMatch, missed } from './matchmaker.ts';
import { copyOnto } from './plan-jobs.ts';

const MAX_JOBS = 500;
const PARALLEL = 4;

/** Asks again about every job whose time has come. Resources that appeared are found here; deadlines pass here. */
export async function rematchAll(manager: JobManager, caller: Caller): Promise<void> {
  const due = await unmatchedJobs(manager.database.query, manager.settings.now(), MAX_JOBS);
  const groups = [...Map.groupBy(due, (job) => job.groupId)];
  for (let index = 0; index < groups.length; index += PARALLEL) {
    await Promise.all(groups.slice(index, index + PARALLEL).map(([id, jobs]) => rematch(manager, id, jobs, caller)));
  }
}

async function rematch(manager: JobManager, id: GroupId, jobs: readonly Job[], caller: Caller): Promise<void> {
  const group = await groupById(manager.database.query, id);
  if (group === undefined) return;
  const matches = await manager.matchmaker.match(requestFor(group.matchRequest, jobs), caller);
  await changeGroup(manager, id, (loaded) => rematched(manager, loaded, new Set(jobs.map((job) => job.id)), matches));
}

/** Only the components in question, and where they must not go. */
function requestFor(request: JsonObject, jobs: readonly Job[]): JsonObject {
  const avoid = new Map(jobs.map((job) => [job.component, job.avoid]));
  const components = ((request['components'] ?? []) as readonly JsonObject[])
    .filter((component) => avoid.has(String(component['name'])))
    .map((component) => {
      const places = avoid.get(String(component['name'])) ?? [];
      const named = places.map(({ cluster, node }) => ({ cluster_name: cluster, node_name: node }));
      return named.length === 0 ? component : { ...component, avoid: named };
    });
  return { ...request, components };
}

function rematched(
  manager: JobManager,
  { group, jobs }: LoadedGroup,
  asked: ReadonlySet<string>,
  matches: ReadonlyMap<string, ComponentMatch>,
): GroupChange {
  const at = manager.settings.now();
  const waiting = jobs.filter((job) => asked.has(job.id) && job.placement === null && job.action === 'create');
  const changes: GroupChange['jobs'][number][] = [];
  const added: Job[] = [];
  for (const [component, unplaced] of Map.groupBy(waiting, (job) => job.component)) {
    const match = matches.get(component) ?? missed('The matchmaker did not answer for this component');
    const places = match.placements.filter((place) => !unplaced.some((job) => isAvoided(job, place)));
    unplaced.forEach((job, index) => {
      const placement = places[index];
      const event =
        placement === undefined
          ? ({ type: 'match-missed', at, reason: match.reason, nextAt: at + manager.settings.rematchMs } as const)
          : ({ type: 'matched', at, placement } as const);
      changes.push(changeOf(manager, job, event));
    });
    const [pattern] = unplaced;
    for (const placement of places.slice(unplaced.length)) {
      if (pattern !== undefined) added.push(copyOnto(pattern, placement, jobs.length + added.length, at));
    }
  }
  return { group, jobs: changes, added, events: [] };
}

const isAvoided = (job: Job, place: Placement): boolean =>
  job.avoid.some(({ cluster, node }) => cluster === place.cluster && node === place.node);
