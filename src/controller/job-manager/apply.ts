import { RuntimeError } from '../../common/errors.ts';
import type { JobAction, JobStatus } from '../../contracts/icos/enums.ts';
import { type ClaimRule, mayClaim } from './claim-rule.ts';
import {
  degradedBecause,
  healthOf,
  initialConditions,
  mergeConditions,
  withoutTarget,
  withTarget,
} from './conditions.ts';
import type { JobEvent, JobEventType, ResourceReport } from './events.ts';
import { type Condition, isUntouched, type Job, phaseOf } from './job.ts';
import { mayMove } from './transitions.ts';

export interface JobRules extends ClaimRule {
  /** How long a job may be without a target before it is degraded. */
  readonly matchDeadlineMs: number;
}

type EventOf<Type extends JobEventType> = Extract<JobEvent, { readonly type: Type }>;
type Handlers = {
  readonly [Type in JobEventType]: (job: Job, event: EventOf<Type>, rules: JobRules) => Job | undefined;
};

/**
 * The next job: the same object when nothing changes. An event that is not allowed where the job stands throws
 * ERR_JOB_CONFLICT; a move outside the table is a bug and throws ERR_INTERNAL.
 */
export function apply(job: Job, event: JobEvent, rules: JobRules): Job {
  const handler = HANDLERS[event.type] as (job: Job, event: JobEvent, rules: JobRules) => Job | undefined;
  const next = handler(job, event, rules);
  if (next === undefined) throw conflict(job, event.type);
  if (next === job) return job;
  if (!mayMove(phaseOf(job), phaseOf(next))) {
    throw new RuntimeError('ERR_INTERNAL', {
      reason: `job ${job.id} cannot go from ${phaseOf(job)} to ${phaseOf(next)}`,
    });
  }
  return { ...next, updatedAt: event.at, version: job.version + 1 };
}

const conflict = (job: Job, event: string): RuntimeError =>
  new RuntimeError('ERR_JOB_CONFLICT', {
    job: job.id,
    event,
    action: job.action,
    state: job.status,
    owner: job.owner === null ? 'owned by nobody' : `owned by ${job.owner}`,
  });

const HANDLERS: Handlers = {
  matched: (job, { placement }) => {
    if (job.placement !== null || job.action !== 'create') return undefined;
    return {
      ...job,
      placement,
      status: 'created',
      attempts: 0,
      matchAt: null,
      matchDeadline: null,
      conditions: withTarget(job.conditions),
    };
  },

  'match-missed': (job, { at, reason, nextAt }) => {
    if (job.placement !== null || job.action !== 'create') return undefined;
    const givenUp = job.status === 'degraded' || (job.matchDeadline !== null && job.matchDeadline <= at);
    return {
      ...job,
      status: givenUp ? 'degraded' : 'created',
      matchAt: nextAt,
      matchDeadline: givenUp ? null : job.matchDeadline,
      conditions: withoutTarget(job.conditions, reason, at, givenUp),
    };
  },

  claimed: (job, { at, driver }, rules) => {
    if (!mayClaim(job, driver, at, rules)) return undefined;
    return { ...job, status: 'progressing', owner: driver, leaseUntil: at + rules.leaseMs, attempts: job.attempts + 1 };
  },

  released: (job, { driver }) => {
    if (job.status !== 'progressing' || (driver !== null && driver !== job.owner)) return undefined;
    return { ...job, status: 'created', owner: job.action === 'create' ? null : job.owner, leaseUntil: null };
  },

  reported: (job, event, rules) => {
    if (isFromFormerOwner(job, event)) return undefined;
    if (phaseOf(job) === 'delete-finished') return job;
    const resource = withReport(job, event.resource, event.at);
    if (isAboutEarlierAction(job, event)) return { ...resource, leaseUntil: null };
    return REPORTS[event.status](resource, event.at, rules);
  },

  observed: (job, { at, resource }) => {
    if (phaseOf(job) === 'delete-finished') return job;
    if (job.owner === null) return undefined;
    const next = withReport(job, resource, at);
    const health = healthOf(next.conditions);
    if (!followsHealth(job) || health === undefined || health === job.status) return next;
    return { ...next, status: health, leaseUntil: null };
  },

  undeployed: (job, { at }) => {
    if (job.action === 'delete') return job.status === 'degraded' ? { ...job, status: 'created', attempts: 0 } : job;
    const stopped = { ...job, action: 'delete', subType: '', attempts: 0, matchAt: null, matchDeadline: null } as const;
    if (isUntouched(job)) return { ...stopped, status: 'finished', leaseUntil: null };
    // A driver at work reports first what it made, or loses its lease: only then can that be undone.
    return { ...stopped, status: 'created', leaseUntil: isAtWork(job, at) ? job.leaseUntil : null };
  },

  replaced: (job, event, rules) => {
    const { at, manifests, needs } = event;
    if (job.action === 'delete' && job.status !== 'finished') return undefined;
    const next = { ...job, manifests, needs, subType: '', attempts: 0 };
    if (job.action === 'delete') return anew(next, at, rules);
    if (isUntouched(job)) return event.rematch ? anew(next, at, rules) : next;
    const leaseUntil = isAtWork(job, at) ? job.leaseUntil : null;
    return { ...next, action: 'replace', status: 'created', leaseUntil };
  },

  remediated: (job, { remediation }) => {
    if (remediation === 'none') return job;
    const isDeployed = job.action !== 'delete' && (job.status === 'finished' || job.status === 'degraded');
    if (job.owner === null || !isDeployed) return undefined;
    return { ...job, action: 'update', subType: remediation, status: 'created', leaseUntil: null, attempts: 0 };
  },

  exhausted: (job, { at }, rules) => {
    const isOver = job.status === 'progressing' && job.leaseUntil !== null && job.leaseUntil <= at;
    if (!isOver || job.attempts < rules.maxAttempts) return undefined;
    const why = degradedBecause('AttemptsExhausted', `No driver finished it in ${job.attempts} attempts`, at);
    return { ...job, status: 'degraded', leaseUntil: null, conditions: mergeConditions(job.conditions, [why]) };
  },
};

const isAtWork = (job: Job, at: number): boolean =>
  job.status === 'progressing' && job.leaseUntil !== null && job.leaseUntil > at;

/** Its lease ended and another driver has the job, or it is an earlier attempt of the same. */
const isFromFormerOwner = (job: Job, event: EventOf<'reported'>): boolean =>
  job.owner === null ||
  (event.driver !== null && event.driver !== job.owner) ||
  (event.attempt !== undefined && event.attempt !== job.attempts);

/** Only a lease that was running when the action changed is left on a job nobody has claimed for the new one. */
const isAboutEarlierAction = (job: Job, event: EventOf<'reported'>): boolean =>
  (event.action !== undefined && event.action !== job.action) || (job.status === 'created' && job.leaseUntil !== null);

/** While an update or a replacement is under way, the health seen is still that of what was there before. */
const followsHealth = (job: Job): boolean =>
  job.action !== 'delete' &&
  (job.status === 'finished' || job.status === 'degraded' || phaseOf(job) === 'create-progressing');

function withReport(job: Job, report: ResourceReport, at: number): Job {
  const conditions = mergeConditions(job.conditions, report.conditions ?? []);
  const uuid = report.uuid ?? job.resource.uuid;
  const name = report.name ?? job.resource.name;
  if (conditions === job.conditions && uuid === job.resource.uuid && name === job.resource.name) return job;
  return { ...job, conditions, resource: { ...job.resource, uuid, name, updatedAt: at } };
}

type Report = (job: Job, at: number, rules: JobRules) => Job | undefined;

/** What the four states mean when a driver says them. */
const REPORTS: Readonly<Record<JobStatus, Report>> = {
  /** `Applied` in the OCM driver's numbering: of a deletion the end, of everything else a sign of life. */
  created: (job, at, rules) => (job.action === 'delete' ? settled(job, 'finished') : stillAtWork(job, at, rules)),
  progressing: (job, at, rules) => stillAtWork(job, at, rules),
  finished: (job, at, rules) =>
    job.action === 'update' && REALLOCATIONS.has(job.subType) ? elsewhere(job, at, rules) : settled(job, 'finished'),
  degraded: (job, at) => {
    const isExplained = healthOf(job.conditions) === 'degraded';
    const why = isExplained ? [] : [degradedBecause('ReportedByDriver', 'The driver reports the job as degraded', at)];
    return { ...settled(job, 'degraded'), conditions: mergeConditions(job.conditions, why) };
  },
};

/** Remediations that undo the deployment where it is and look for another node. */
const REALLOCATIONS: ReadonlySet<string> = new Set(['reallocation', 'migrate', 'redeploy']);

const stillAtWork = (job: Job, at: number, rules: JobRules): Job =>
  job.status === 'finished' ? job : { ...job, status: 'progressing', leaseUntil: at + rules.leaseMs };

function settled(job: Job, status: 'finished' | 'degraded'): Job {
  const conditions = status === 'finished' ? withoutComplaint(job.conditions) : job.conditions;
  if (job.status === status && job.leaseUntil === null && conditions.length === job.conditions.length) return job;
  return { ...job, status, leaseUntil: null, conditions };
}

/** What this job manager itself complained of is over when the driver says that all is well. */
const OWN_COMPLAINTS: ReadonlySet<string> = new Set(['ReportedByDriver', 'AttemptsExhausted']);

const withoutComplaint = (conditions: readonly Condition[]): readonly Condition[] =>
  conditions.filter((condition) => !OWN_COMPLAINTS.has(condition.reason));

function elsewhere(job: Job, at: number, rules: JobRules): Job {
  const avoid = job.placement === null ? job.avoid : [...job.avoid, job.placement].slice(-MAX_AVOIDED);
  return { ...anew(job, at, rules), avoid };
}

/** The nodes a job was moved away from last; older ones may have recovered. */
const MAX_AVOIDED = 8;

/** As it was created: without target, owner and resource. */
function anew(job: Job, at: number, rules: JobRules): Job {
  const action: JobAction = 'create';
  return {
    ...job,
    action,
    status: 'created',
    subType: '',
    owner: null,
    leaseUntil: null,
    attempts: 0,
    placement: null,
    resource: { ...job.resource, uuid: null, name: job.component, updatedAt: at },
    conditions: initialConditions(at),
    matchAt: at,
    matchDeadline: at + rules.matchDeadlineMs,
  };
}
