import { NONE } from '../model/ids.ts';
import { BOOKED, BROKEN, PARKED, QUEUED, RECALL_SENT, RESUMING, STARTED } from './invocation-rows.ts';
import { taskName, versionName } from './names.ts';
import type { Resource } from './resources.ts';
import type { ScopeState } from './scope-state.ts';
import type { CoreState } from './state.ts';
import { CANCELLING, statusName } from './transitions.ts';

/** Tasks, or data, that are named; the others are counted. */
const MOST_NAMED = 5;

/** What a task that has been sent to a node is doing there. */
export function explainAttempt(state: CoreState, task: number): string {
  const attempt = state.tasks.invocation[task]!;
  const name = taskName(state.taskId(task));
  if (attempt === NONE) return `${name} is ${statusName(state.tasks.status[task]!)}.`;
  const resource = state.resources[state.invocations.resource[attempt]!]!;
  const node = resource.description.name;
  const which = `(attempt ${state.tasks.attempts[task]})`;
  if (state.tasks.status[task] === CANCELLING) return cancelling(state, task, `${name} is being cancelled`, node);
  return `${name} ${activity(state, attempt, resource, which)}`;
}

function cancelling(state: CoreState, task: number, said: string, node: string): string {
  const reason = state.failures.get(task)?.error.details?.['reason'];
  const why = typeof reason === 'string' ? ` (${reason})` : '';
  return `${said}${why}: ${node} was told to stop it and has not answered. If ${node} is dead, say so (lost-node).`;
}

function activity(state: CoreState, attempt: number, resource: Resource, which: string): string {
  const node = resource.description.name;
  const { invocations } = state;
  const flags = invocations.flags[attempt]!;
  if ((flags & BROKEN) !== 0)
    return `is being stopped on ${node} ${which}, since another node of it was lost; it runs again.`;
  if (state.draining.has(attempt)) return `has run on ${node} ${which} and waits for ${ofScopes(state, attempt)}.`;
  switch (invocations.state[attempt]) {
    case QUEUED: {
      const back = (flags & RECALL_SENT) === 0 ? '' : ' It was asked back, since there is room elsewhere.';
      return `was sent ahead to ${node} ${which} and waits there for a slot: ${before(state, attempt)} go before it.${back}`;
    }
    case PARKED:
      return `waits inside on ${node} ${which}, without its slot, for ${ofScopes(state, attempt)}.`;
    case RESUMING:
      return `wants to go on on ${node} ${which} and waits for its slot there: ${free(resource)}.`;
    default:
      return (flags & STARTED) === 0 && invocations.state[attempt] === BOOKED
        ? starting(state, attempt, resource, which)
        : `runs on ${node} ${which}.`;
  }
}

const free = (resource: Resource): string => `${Math.max(0, resource.freeCpus)} of ${resource.cpus} CPU units are free`;

function before(state: CoreState, attempt: number): string {
  let count = 0;
  const { queuePrevious } = state.invocations;
  for (let other = queuePrevious[attempt]!; other !== NONE; other = queuePrevious[other]!) count += 1;
  return String(count);
}

// ------------------------------------------------------------------------------------------ data on the way

function starting(state: CoreState, attempt: number, resource: Resource, which: string): string {
  const node = resource.description.name;
  const missing = inputsElsewhere(state, state.invocations.task[attempt]!, resource.row);
  if (missing.length === 0) return `was sent to ${node} ${which}, which has not started it yet.`;
  const list = missing.slice(0, MOST_NAMED).map((version) => copyOf(state, version));
  const more = missing.length > MOST_NAMED ? ` and ${missing.length - MOST_NAMED} more` : '';
  return `was sent to ${node} ${which}, which brings its data first: ${list.join(', ')}${more}.`;
}

function inputsElsewhere(state: CoreState, task: number, resource: number): number[] {
  const { tasks, registry } = state;
  const found = new Set<number>();
  for (let position = 0; position < tasks.inputs[task]!; position++) {
    const input = tasks.input(task, position);
    const version = input === NONE ? NONE : registry.resolve(input);
    if (version === NONE || registry.holds(version, resource)) continue;
    if (registry.versions.holder[version] !== NONE) found.add(version);
  }
  return [...found];
}

function copyOf(state: CoreState, version: number): string {
  const { registry } = state;
  const from = registry.holdersOf(version).map((row) => state.resources[row]!.description.name);
  return `${versionName(state, version)} (${registry.versions.bytes[version]} bytes) from ${from.join(' or ')}`;
}

// ------------------------------------------------------------------------------------------ tasks that it submitted

/** What the scopes of an attempt still have to do. */
function ofScopes(state: CoreState, attempt: number): string {
  const open = (state.children.get(attempt) ?? []).filter((scope) => !scope.ended && scope.live > 0);
  if (open.length === 0) return 'data, or tasks of others';
  return open.map((scope) => `${barrierOf(scope)}${liveOf(state, scope)}`).join('; ');
}

/** A barrier names its group. */
function barrierOf(scope: ScopeState): string {
  const [barrier] = scope.barriers;
  if (barrier === undefined) return '';
  return barrier.group === undefined ? 'a barrier: ' : `the barrier of its group ${barrier.group.name}: `;
}

/** The oldest ones. */
function liveOf(state: CoreState, scope: ScopeState): string {
  const live: number[] = [];
  for (let task = scope.lastTask; task !== NONE; task = state.tasks.scopeNext[task]!) live.push(task);
  const [group] = scope.barriers.flatMap((barrier) => barrier.group ?? []);
  const awaited = live.reverse().filter((task) => group === undefined || group.members.has(task));
  const named = awaited.slice(0, MOST_NAMED);
  const list = named.map((task) => `${taskName(state.taskId(task))} (${statusName(state.tasks.status[task]!)})`);
  const more = awaited.length > MOST_NAMED ? ` and ${awaited.length - MOST_NAMED} more` : '';
  return `${list.join(', ')}${more}`;
}
