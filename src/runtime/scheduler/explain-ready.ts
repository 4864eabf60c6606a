import { NONE } from '../model/ids.ts';
import { whyNot } from './constraints.ts';
import { taskName } from './names.ts';
import { ALL_NODES, type ReadyClass } from './ready-class.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';

/** Tasks of a queue that are counted. */
const MOST_COUNTED = 1000;

/** `never`: it cannot run the task however idle; `away`: it could, but takes no work; `busy`: no room now. */
type Kind = 'never' | 'away' | 'busy' | 'room';

interface Verdict {
  readonly name: string;
  readonly reason: string;
  readonly kind: Kind;
}

export interface ReadyExplanation {
  readonly summary: string;
  readonly resources: readonly { readonly name: string; readonly reason: string }[];
}

/** Why a ready task has not been sent anywhere. */
export function explainReady(state: CoreState, task: number): ReadyExplanation {
  const queue = state.ready.classes[state.tasks.readyClass[task]!];
  if (queue === undefined) return { summary: `${nameOf(state, task)} is about to be placed.`, resources: [] };
  const verdicts = verdictsOn(state, queue);
  const why =
    lockedBy(state, queue) ?? instanceOf(state, queue) ?? whyNowhere(queue, verdicts) ?? waiting(state, task, verdicts);
  return {
    summary: `${nameOf(state, task)} ${why}${triedBefore(state, task)}`,
    resources: verdicts.map(({ name, reason }) => ({ name, reason })),
  };
}

const nameOf = (state: CoreState, task: number): string => taskName(state.taskId(task));

/** For every resource why it does not take a task of the queue now. */
export const explainResources = (state: CoreState, queue: ReadyClass): ReadyExplanation['resources'] =>
  verdictsOn(state, queue).map(({ name, reason }) => ({ name, reason }));

const told = (verdicts: readonly Verdict[]): string =>
  verdicts.map(({ name, reason }) => `${name} ${reason}`).join('; ');

// ------------------------------------------------------------------------------------------ groups of one datum

function lockedBy(state: CoreState, queue: ReadyClass): string | undefined {
  const holder = queue.speciality.locks.map((lock) => state.commutes.get(lock)!.holder).find((one) => one !== NONE);
  if (holder === undefined) return undefined;
  return `waits until ${nameOf(state, holder)} has done with the data that both change as COMMUTATIVE: it goes next, or after others of the group.`;
}

/** Members of a CONCURRENT group run where its instance is. */
function instanceOf(state: CoreState, queue: ReadyClass): string | undefined {
  const groups = queue.speciality.shared.flatMap((version) => state.shared.get(version) ?? []);
  const held = groups.filter((group) => group.resource !== NONE && group.running > 0);
  const places = new Set(held.map((group) => state.resources[group.resource]!));
  if (places.size === 0) return undefined;
  const names = [...places].map((place) => place.description.name).join(' and ');
  if (places.size > 1) {
    return `waits until tasks on ${names} have done with the data that they change together with it as CONCURRENT: then it finds them on one node.`;
  }
  const [place] = [...places] as [Resource];
  const { reason } = verdict(state, queue, place);
  return `has to run on ${names}, where tasks change the same data as CONCURRENT: ${names} ${reason}. It starts when there is room, or elsewhere when they have ended.`;
}

// ------------------------------------------------------------------------------------------ nowhere

function whyNowhere(queue: ReadyClass, verdicts: readonly Verdict[]): string | undefined {
  if (verdicts.length === 0) return 'waits for a node: there is none. Add one (add-resources).';
  const able = verdicts.filter(({ kind }) => kind !== 'never');
  const taking = able.filter(({ kind }) => kind !== 'away');
  const { nodes } = queue.speciality;
  if (able.length === 0) {
    return `cannot run on any node: ${told(verdicts)}. It waits for one that can: add it (add-resources), or ask for less.`;
  }
  if (taking.length === 0) {
    return `waits for a node that takes work: ${told(able)}. Add another one (add-resources).`;
  }
  if (nodes > 1 && taking.length < nodes) {
    return `needs ${nodes} nodes at once, and only ${taking.length} can run it: ${told(verdicts)}. Add nodes (add-resources), or ask for fewer (computingNodes).`;
  }
  return undefined;
}

// ------------------------------------------------------------------------------------------ busy

function waiting(state: CoreState, task: number, verdicts: readonly Verdict[]): string {
  const queue = state.ready.classes[state.tasks.readyClass[task]!]!;
  const able = verdicts.filter(({ kind }) => kind !== 'never');
  const place = placeInQueue(state, queue, task);
  const { nodes } = queue.speciality;
  const what =
    nodes === ALL_NODES
      ? 'waits until every node that can run it has room at once'
      : nodes > 1
        ? `waits until ${nodes} nodes have room at once`
        : 'waits for a free slot';
  return `${what}: ${told(able)}. ${place} More nodes or slots (add-resources) shorten the wait.`;
}

function placeInQueue(state: CoreState, queue: ReadyClass, task: number): string {
  const { next, previous } = state.tasks;
  const ahead = state.ready.newestFirst ? next : previous;
  let before = 0;
  for (let other = ahead[task]!; other !== NONE && before < MOST_COUNTED; other = ahead[other]!) before += 1;
  if (before === 0) return `It is the next of its kind (${state.signature(task)}).`;
  const count = before === MOST_COUNTED ? `${MOST_COUNTED} or more` : String(before);
  return `${count} of its kind (${state.signature(task)}${queue.priority ? ', with priority' : ''}) go before it.`;
}

function triedBefore(state: CoreState, task: number): string {
  const { failures, losses, avoid } = state.tasks;
  const where = avoid[task] === NONE ? '' : `, last on ${state.resources[avoid[task]!]!.description.name}`;
  const said: string[] = [];
  if (failures[task]! > 0) said.push(`It has failed ${times(failures[task]!)}${where}.`);
  if (losses[task]! > 0) {
    const limit = state.settings.maxLosses;
    said.push(`It runs again since its node was lost ${times(losses[task]!)}; after ${limit} losses it fails.`);
  }
  return said.length === 0 ? '' : ` ${said.join(' ')}`;
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

// ------------------------------------------------------------------------------------------ one resource

const verdictsOn = (state: CoreState, queue: ReadyClass): Verdict[] =>
  state.resources.filter((one) => one.state !== 'gone').map((resource) => verdict(state, queue, resource));

function verdict(state: CoreState, queue: ReadyClass, resource: Resource): Verdict {
  const { name } = resource.description;
  const { pin, avoid, nodes } = queue.speciality;
  const never = whyNever(queue, resource);
  if (never !== undefined) return { name, reason: never, kind: 'never' };
  if (resource.state !== 'active') return { name, reason: `is ${resource.state}`, kind: 'away' };
  if (pin !== NONE && pin !== resource.row) {
    return { name, reason: `is not ${state.resources[pin]!.description.name}, where it is tied to`, kind: 'away' };
  }
  if (avoid === resource.row)
    return { name, reason: 'is avoided, since the task failed or was lost there', kind: 'away' };
  if (resource.queued > 0) return { name, reason: `has ${resource.queued} tasks waiting already`, kind: 'busy' };
  if (queue.needs.some((need, index) => resource.fits(need) && runsOn(queue, index, resource))) {
    return {
      name,
      reason: nodes === 1 ? 'has room; others come first' : 'has room, but not enough nodes have',
      kind: 'room',
    };
  }
  return { name, reason: busy(queue, resource), kind: 'busy' };
}

const runsOn = (queue: ReadyClass, index: number, resource: Resource): boolean =>
  whyNot(queue.needs[index]!, queue.implementations[index]!, resource) === undefined;

function whyNever(queue: ReadyClass, resource: Resource): string | undefined {
  if (queue.named !== undefined && !queue.named.includes(resource.description.name)) {
    return `is not one of ${queue.named.join(', ')}`;
  }
  const never = queue.needs.map((need, index) => whyNot(need, queue.implementations[index]!, resource));
  return never.every((reason) => reason !== undefined) ? [...new Set(never)].join('; ') : undefined;
}

function busy(queue: ReadyClass, resource: Resource): string {
  const need = queue.needs.find((_, index) => runsOn(queue, index, resource))!;
  if (resource.booked >= resource.limit) return `is busy: ${resource.booked} tasks, its limit`;
  if (resource.freeCpus < need.cpus) {
    return `is busy: ${Math.max(0, resource.freeCpus)} of ${resource.cpus} CPU units free, ${need.cpus} asked`;
  }
  return `is busy: not enough of ${JSON.stringify(need.constraints)} free`;
}
