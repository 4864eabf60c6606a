import { NONE } from '../model/ids.ts';
import { whyNot } from './constraints.ts';
import type { Host, ReadyClass } from './ready-class.ts';
import type { Resource } from './resources.ts';
import type { CoreState } from './state.ts';

/** Where tasks of the queue can ever run. Made anew when resource classes or implementations have changed. */
export function hostsOf(state: CoreState, queue: ReadyClass): readonly Host[] {
  if (queue.hostsEpoch === state.epoch) return queue.hosts;
  const hosts: Host[] = [];
  for (const resources of state.resourceClasses.values()) {
    const implementations = queue.needs.flatMap((need, index) =>
      whyNot(need, queue.implementations[index]!, resources) === undefined ? [index] : [],
    );
    if (implementations.length > 0) hosts.push({ class: resources, implementations });
  }
  queue.hosts = hosts;
  queue.hostsEpoch = state.epoch;
  return hosts;
}

/** The implementations of the queue that this one resource can run, `nodes` included. */
export function implementationsFor(state: CoreState, queue: ReadyClass, resource: Resource): readonly number[] {
  if (queue.named !== undefined && !queue.named.includes(resource.description.name)) return [];
  const host = hostsOf(state, queue).find((one) => one.class === resource.class);
  return host?.implementations ?? [];
}

/** Every active resource that can run tasks of the queue. */
export function compatible(state: CoreState, queue: ReadyClass): Resource[] {
  const classes = new Set(hostsOf(state, queue).map((host) => host.class));
  return state.resources.filter(
    (one) =>
      one.state === 'active' &&
      one.class !== undefined &&
      classes.has(one.class) &&
      (queue.named === undefined || queue.named.includes(one.description.name)),
  );
}

/** Whether there is an active resource for tasks of the queue besides the one to avoid. */
export function hasAlternative(state: CoreState, queue: ReadyClass): boolean {
  const { avoid } = queue.speciality;
  const avoided = avoid === NONE ? undefined : state.resources[avoid];
  if (queue.named !== undefined) return compatible(state, queue).some((one) => one !== avoided);
  return hostsOf(state, queue).some((host) => {
    const others = avoided?.class === host.class && avoided.state === 'active' ? host.class.size - 1 : host.class.size;
    return others > 0;
  });
}
