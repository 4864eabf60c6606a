import { RuntimeError } from '../../common/errors.ts';
import type { Application, Component, JsonObject } from '../../contracts/icos/descriptor/application.ts';
import type { JobGroupBody } from '../../contracts/icos/job.ts';
import { matchRequestOf } from '../../contracts/icos/match-request.ts';
import { placementsOf } from '../../contracts/icos/target.ts';
import type { Identity } from '../iam/authenticator.ts';
import { changeGroup, type GroupChange, type LoadedGroup } from './change-group.ts';
import type { JobManager } from './context.ts';
import { changeOf, checkAccess } from './groups.ts';
import { type GroupId, type Job, phaseOf } from './job.ts';
import type { Caller, ComponentMatch } from './matchmaker.ts';
import { manifestsOf, needsOf, planJobs } from './plan-jobs.ts';

/** The released update: a job group with other texts, and with other manifests in its jobs. */
export async function updateGroup(manager: JobManager, body: JobGroupBody, identity: Identity): Promise<LoadedGroup> {
  const id = body.ID as string as GroupId;
  await checkAccess(manager, id, identity);
  return changeGroup(manager, id, ({ group, jobs }) => {
    const changes = (body.jobs ?? []).flatMap((wanted, index): GroupChange['jobs'] => {
      const job = jobs.find((candidate) => candidate.id === wanted.ID);
      const field = `jobs.${index}`;
      if (job === undefined) throw refused(`${field}.ID`, `${wanted.ID} is no job of this group`);
      checkTarget(job, placementsOf(wanted.targets), field);
      const manifests = (wanted.manifests ?? []).map(({ yamlString }) => yamlString);
      if (manifests.length === 0 || isDeepEqual(manifests, job.manifests)) return [];
      const at = manager.settings.now();
      return [changeOf(manager, job, { type: 'replaced', at, manifests, needs: job.needs, rematch: false })];
    });
    const name = body.appName === '' ? group.name : body.appName;
    return { group: { ...group, name, description: body.appDescription }, jobs: changes, added: [], events: [] };
  });
}

const refused = (field: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_REQUEST_INVALID', { field, reason });

/** Targets are the matchmaker's to choose: a client that sends them back must send back what it read. */
function checkTarget(job: Job, wanted: ReturnType<typeof placementsOf>, field: string): void {
  const [first] = wanted;
  if (first === undefined) return;
  const { placement } = job;
  if (placement !== null && first.cluster === placement.cluster && (first.node === '' || first.node === placement.node))
    return;
  throw refused(`${field}.targets`, 'cannot be set; a reallocation moves a job');
}

const isDeepEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

export interface NewDescriptor {
  readonly application: Application;
  readonly descriptor: string;
  readonly caller: Caller;
}

/**
 * Another descriptor for a deployment: components of the same name get the new objects, new ones are placed, those
 * that are no longer there are stopped. What did not change is left alone. A stopped component starts anew.
 */
export async function updateDescriptor(
  manager: JobManager,
  id: GroupId,
  identity: Identity,
  wanted: NewDescriptor,
): Promise<LoadedGroup> {
  const group = await checkAccess(manager, id, identity);
  const known = new Set(componentsIn(group.matchRequest).keys());
  const added = wanted.application.components.filter(({ name }) => !known.has(name));
  const matches =
    added.length === 0
      ? new Map<string, ComponentMatch>()
      : await manager.matchmaker.match(matchRequestOf({ ...wanted.application, components: added }), wanted.caller);
  return changeGroup(manager, id, (loaded) => describedChange(manager, loaded, wanted, matches));
}

function describedChange(
  manager: JobManager,
  { group, jobs }: LoadedGroup,
  { application, descriptor }: NewDescriptor,
  matches: ReadonlyMap<string, ComponentMatch>,
): GroupChange {
  const at = manager.settings.now();
  const matchRequest = matchRequestOf(application);
  const before = componentsIn(group.matchRequest);
  const after = componentsIn(matchRequest);
  const byName = new Map(application.components.map((component) => [component.name, component]));
  const present = new Set(jobs.map((job) => job.component));
  const added = application.components.filter(({ name }) => !present.has(name));
  const frame = { groupId: group.id, namespace: group.namespace, now: at };
  return {
    group: {
      ...group,
      name: application.name === '' ? group.name : application.name,
      description: application.description,
      form: application.form,
      warnings: application.warnings,
      matchRequest,
      descriptor,
    },
    jobs: jobs.flatMap((job) => {
      const component = byName.get(job.component);
      if (component === undefined) return [changeOf(manager, job, { type: 'undeployed', at })];
      const rematch = !isDeepEqual(before.get(job.component), after.get(job.component));
      return replacement(manager, job, component, rematch, at);
    }),
    added: planJobs(added, matches, frame, manager.settings).map((job, index) => ({
      ...job,
      position: jobs.length + index,
    })),
    events: ['deleted', 'created', 'started'],
  };
}

function replacement(
  manager: JobManager,
  job: Job,
  component: Component,
  rematch: boolean,
  at: number,
): GroupChange['jobs'] {
  const manifests = manifestsOf(component);
  const isSame = isDeepEqual(manifests, job.manifests) && !rematch && phaseOf(job) !== 'delete-finished';
  if (isSame) return [];
  return [changeOf(manager, job, { type: 'replaced', at, manifests, needs: needsOf(component), rematch })];
}

function componentsIn(request: JsonObject): ReadonlyMap<string, JsonObject> {
  const components = (request['components'] ?? []) as readonly JsonObject[];
  return new Map(components.map((component) => [String(component['name']), component]));
}
