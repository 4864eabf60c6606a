import type { Implementation } from '../model/core-element.ts';
import { NONE } from '../model/ids.ts';
import { type Need, whyNot } from './constraints.ts';
import { type Host, PLAIN, ReadyClass } from './ready-class.ts';
import type { ResourceClass } from './resource-classes.ts';
import type { CoreState } from './state.ts';
import { PRIORITY } from './task-rows.ts';

/** Ready tasks wait in queues of equals: same core element, priority, constraints and pin. */
export function enqueue(state: CoreState, task: number): void {
  const ready = classOf(state, task);
  const { tasks } = state;
  tasks.readyClass[task] = ready.row;
  tasks.previous[task] = ready.tail;
  tasks.next[task] = NONE;
  if (ready.tail === NONE) ready.head = task;
  else tasks.next[ready.tail] = task;
  ready.tail = task;
  ready.size += 1;
  state.dirty = true;
}

export function withdraw(state: CoreState, task: number): void {
  const { tasks } = state;
  const ready = state.readyByRow[tasks.readyClass[task]!]!;
  const [before, after] = [tasks.previous[task]!, tasks.next[task]!];
  if (before === NONE) ready.head = after;
  else tasks.next[before] = after;
  if (after === NONE) ready.tail = before;
  else tasks.previous[after] = before;
  tasks.next[task] = NONE;
  tasks.previous[task] = NONE;
  tasks.readyClass[task] = NONE;
  ready.size -= 1;
}

function classOf(state: CoreState, task: number): ReadyClass {
  const { tasks } = state;
  const core = tasks.core[task]!;
  const priority = (tasks.flags[task]! & PRIORITY) !== 0;
  const own = tasks.spec[task]!.constraints;
  const avoid = tasks.avoid[task]!;
  const key = `${core}|${priority ? 1 : 0}|${avoid}|${own === undefined ? '' : state.needFor(own).index}`;
  let ready = state.readyClasses.get(key);
  if (ready === undefined) {
    const element = state.elements[core]!;
    const needs = own === undefined ? state.elementNeeds[core]! : element.implementations.map(() => state.needFor(own));
    const speciality = avoid === NONE ? PLAIN : { ...PLAIN, avoid };
    ready = new ReadyClass(state.readyByRow.length, key, { core, priority, speciality, element, needs });
    state.readyByRow.push(ready);
    state.readyClasses.set(key, ready);
  }
  return ready;
}

/** Resource classes on which a queue can run at all; looked up anew when resources or implementations have changed. */
export function hostsOf(state: CoreState, ready: ReadyClass, classes: Iterable<ResourceClass>): readonly Host[] {
  if (ready.hostsEpoch === state.epoch) return ready.hosts;
  ready.element = state.elements[ready.core]!;
  if (ready.needs.length !== ready.element.implementations.length) ready.needs = needsAgain(state, ready);
  const hosts: Host[] = [];
  for (const one of classes) {
    const implementations = ready.element.implementations.flatMap((implementation, index) =>
      whyNot(ready.needs[index]!, implementation, one) === undefined ? [index] : [],
    );
    if (implementations.length > 0) hosts.push({ class: one, implementations });
  }
  ready.hosts = hosts;
  ready.hostsEpoch = state.epoch;
  return hosts;
}

function needsAgain(state: CoreState, ready: ReadyClass): readonly Need[] {
  const all = state.elementNeeds[ready.core]!;
  const own = ready.needs[0];
  return own === undefined || all.includes(own) ? all : ready.element.implementations.map(() => own);
}

export const needsOf = (state: CoreState, implementations: readonly Implementation[]): Need[] =>
  implementations.map(({ constraints }) => state.needFor(constraints ?? {}));
