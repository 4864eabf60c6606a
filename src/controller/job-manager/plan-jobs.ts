import { randomUUID } from 'node:crypto';
import type { Component } from '../../contracts/icos/descriptor/application.ts';
import type { Placement } from '../../contracts/icos/target.ts';
import { initialConditions, withoutTarget } from './conditions.ts';
import type { JobManagerSettings } from './context.ts';
import type { GroupId, Job, JobId, Needs } from './job.ts';
import { type ComponentMatch, missed } from './matchmaker.ts';

/** What all jobs of a group have in common. */
export interface JobFrame {
  readonly groupId: GroupId;
  readonly namespace: string;
  readonly now: number;
}

/** One job per component and target; a component without a target has one that waits for it. */
export function planJobs(
  components: readonly Component[],
  matches: ReadonlyMap<string, ComponentMatch>,
  frame: JobFrame,
  settings: Pick<JobManagerSettings, 'matchDeadlineMs' | 'rematchMs'>,
): readonly Job[] {
  return components
    .flatMap((component) => {
      const match = matches.get(component.name) ?? missed('The matchmaker did not answer for this component');
      const places = match.placements.length === 0 ? [null] : match.placements;
      return places.map((placement) => ({ component, placement, reason: match.reason }));
    })
    .map(({ component, placement, reason }, position) =>
      placement === null
        ? unmatched(newJob(component, position, frame), reason, settings)
        : { ...newJob(component, position, frame), placement },
    );
}

export const needsOf = ({ requirements }: Component): Needs => ({
  cpuMillis: requirements.cpuMillis ?? 0,
  memoryBytes: requirements.memoryBytes ?? 0,
  devices: requirements.devices ?? [],
});

export const manifestsOf = (component: Component): readonly string[] => component.manifests.map(({ yaml }) => yaml);

function newJob(component: Component, position: number, { groupId, namespace, now }: JobFrame): Job {
  return {
    id: randomUUID() as string as JobId,
    groupId,
    position,
    component: component.name,
    action: 'create',
    subType: '',
    status: 'created',
    owner: null,
    leaseUntil: null,
    attempts: 0,
    placement: null,
    avoid: [],
    needs: needsOf(component),
    namespace,
    manifests: manifestsOf(component),
    resource: { id: randomUUID(), uuid: null, name: component.name, updatedAt: now },
    conditions: initialConditions(now),
    matchDeadline: null,
    matchAt: null,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
}

const unmatched = (
  job: Job,
  reason: string,
  settings: Pick<JobManagerSettings, 'matchDeadlineMs' | 'rematchMs'>,
): Job => ({
  ...job,
  conditions: withoutTarget(job.conditions, reason, job.createdAt, false),
  matchDeadline: job.createdAt + settings.matchDeadlineMs,
  matchAt: job.createdAt + settings.rematchMs,
});

/** A further copy of a job on another target, for a component that turned out to have several. */
export const copyOnto = (job: Job, placement: Placement, position: number, now: number): Job => ({
  ...job,
  id: randomUUID() as string as JobId,
  position,
  placement,
  resource: { ...job.resource, id: randomUUID() },
  createdAt: now,
  updatedAt: now,
  version: 1,
});
