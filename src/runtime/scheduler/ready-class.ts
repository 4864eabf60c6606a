import type { Implementation } from '../model/core-element.ts';
import { NONE, type ScopeId } from '../model/ids.ts';
import type { Need } from './constraints.ts';
import type { ResourceClass } from './resource-classes.ts';

/** One resource class on which a ready class can run, and the implementations that can run there. */
export interface Host {
  readonly class: ResourceClass;
  readonly implementations: readonly number[];
}

/** What sets a ready class apart from the plain one of its core element. */
export interface Speciality {
  /** Index of constraints of the task's own, or NONE: those of the implementations. */
  readonly need: number;
  /** Only on this resource (row). */
  readonly pin: number;
  /** Not on this resource (row) while there is another. */
  readonly avoid: number;
  /** COMMUTATIVE: ids of the groups to lock. */
  readonly locks: readonly number[];
  /** CONCURRENT: rows of the versions whose instance is shared. */
  readonly shared: readonly number[];
  /** Nodes that run it at once; ALL_NODES: one attempt on every node that can. */
  readonly nodes: number;
}

export const ALL_NODES = 0;

export const PLAIN: Speciality = { need: NONE, pin: NONE, avoid: NONE, locks: [], shared: [], nodes: 1 };

/** Ready tasks that are equal in all that placement looks at, but for their data: a queue. */
export class ReadyClass {
  readonly row: number;
  readonly core: number;
  readonly priority: boolean;
  readonly speciality: Speciality;
  /** Undefined for the plain ones, which stay; the others go when they are empty. */
  readonly key: string | undefined;
  /** What each implementation needs. */
  needs: readonly Need[] = [];
  implementations: readonly Implementation[] = [];
  /** First and last task (TaskRows.next). */
  head = NONE;
  tail = NONE;
  size = 0;
  /** Place in the heap of queues to be looked at; NONE: stuck, or empty. */
  heapIndex = NONE;
  order = 0;
  /** Waits for room; then it is in `stuck` of the resource classes that it can run on. */
  stuck = false;
  hosts: readonly Host[] = [];
  /** Of the set of resource classes and implementations that `hosts` was made from. */
  hostsEpoch = NONE;
  /** Units of the least demanding implementation. */
  leastCpus = 0;
  /** All implementations take plain CPU units and nothing ties the tasks: they may be sent ahead of a free slot. */
  sendable = false;
  /** All implementations name the same single nodes, or nothing. */
  named: readonly string[] | undefined;
  /** Times in a row that its first task was passed over. */
  passed = 0;
  /** Submitters that know that no resource can run this. */
  readonly noticed = new Set<ScopeId>();

  constructor(row: number, core: number, priority: boolean, speciality: Speciality, key?: string) {
    this.row = row;
    this.core = core;
    this.priority = priority;
    this.speciality = speciality;
    this.key = key;
  }

  get plain(): boolean {
    return this.speciality === PLAIN;
  }

  setImplementations(implementations: readonly Implementation[], needs: readonly Need[]): void {
    this.implementations = implementations;
    this.needs = needs;
    this.leastCpus = needs.reduce((least, need) => Math.min(least, need.cpus), Number.POSITIVE_INFINITY);
    this.named = needs[0]?.constraints.nodes;
    this.sendable =
      this.speciality === PLAIN &&
      !this.priority &&
      needs.every((need) => need.plain && need.constraints.nodes === undefined);
  }
}
