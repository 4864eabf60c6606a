import { NONE } from '../model/ids.ts';
import { assign, launch, type Place } from './attempts.ts';
import { compatible, implementationsFor } from './hosts.ts';
import { ALL_NODES, type ReadyClass } from './ready-class.ts';
import type { Resource } from './resources.ts';
import { instanceResource } from './shared-groups.ts';
import type { CoreState } from './state.ts';

/** The live attempts of a task: one, but for tasks that run on every node. */
export function attemptsOf(state: CoreState, task: number): readonly number[] {
  const copies = state.copies.get(task);
  if (copies !== undefined) return [...copies];
  const attempt = state.tasks.invocation[task]!;
  return attempt === NONE ? [] : [attempt];
}

/** All nodes of the task have room at once: none is held while others are awaited, so two gangs cannot block each other. */
export function gangPlaces(state: CoreState, queue: ReadyClass): readonly Place[] | undefined {
  const master = instanceOf(state, queue);
  if (master === 'apart') return undefined;
  const candidates = compatible(state, queue);
  const places = candidates.flatMap((resource): Place[] => {
    const implementation = roomFor(state, queue, resource);
    return implementation === NONE ? [] : [{ resource, implementation, ahead: false }];
  });
  if (queue.speciality.nodes === ALL_NODES) {
    return places.length > 0 && places.length === candidates.length ? places : undefined;
  }
  if (places.length < queue.speciality.nodes) return undefined;
  if (master !== undefined && !places.some((place) => place.resource === master)) return undefined;
  const first = (place: Place): number => Number(place.resource === master);
  return places.toSorted((a, b) => first(b) - first(a) || freest(a, b)).slice(0, queue.speciality.nodes);
}

/** Where the master has to run for the sake of an instance that it shares. */
function instanceOf(state: CoreState, queue: ReadyClass): Resource | 'apart' | undefined {
  const canRun = (one: Resource): boolean => implementationsFor(state, queue, one).length > 0;
  return instanceResource(state, queue.speciality.shared, canRun);
}

const freest = (a: Place, b: Place): number =>
  Number(b.resource.self) - Number(a.resource.self) ||
  b.resource.freeCpus - a.resource.freeCpus ||
  a.resource.row - b.resource.row;

function roomFor(state: CoreState, queue: ReadyClass, resource: Resource): number {
  if (resource.queued > 0) return NONE;
  return implementationsFor(state, queue, resource).find((index) => resource.fits(queue.needs[index]!)) ?? NONE;
}

/** One attempt on the first node that holds the others as well; or one attempt on each. */
export function assignGang(state: CoreState, queue: ReadyClass, task: number, places: readonly Place[]): void {
  const [master, ...others] = places as [Place, ...Place[]];
  if (queue.speciality.nodes !== ALL_NODES) {
    assign(state, queue, task, { ...master, companions: others.map((place) => place.resource) });
    return;
  }
  assign(state, queue, task, master);
  const copies = [state.tasks.invocation[task]!];
  for (const place of others) copies.push(launch(state, queue.needs[place.implementation]!, task, place));
  state.copies.set(task, copies);
}
