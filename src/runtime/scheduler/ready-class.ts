import type { CoreElement } from '../model/core-element.ts';
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
  /** Only on this resource (row). */
  readonly pin: number;
  /** Not on this resource (row) while there is another. */
  readonly avoid: number;
  /** COMMUTATIVE: rows of the data to lock, in order. */
  readonly locks: readonly number[];
  /** CONCURRENT: rows of the versions whose instance is shared, in order. */
  readonly shared: readonly number[];
  /** Nodes that run it at once; 0: every node that can. */
  readonly nodes: number;
  /** Nodes in turn. */
  readonly distributed: boolean;
}

export const PLAIN: Speciality = { pin: NONE, avoid: NONE, locks: [], shared: [], nodes: 1, distributed: false };

/** Ready tasks that are equal in all that placement looks at, but for their data: a queue. */
export class ReadyClass {
  readonly row: number;
  readonly key: string;
  readonly core: number;
  readonly priority: boolean;
  readonly speciality: Speciality;
  /** By implementation. */
  needs: readonly Need[];
  element: CoreElement;
  /** First and last task (TaskRows.next). */
  head = NONE;
  tail = NONE;
  size = 0;
  /** Place in the heap of queues to be looked at; NONE: stuck, or empty. */
  heapIndex = NONE;
  order = 0;
  hosts: readonly Host[] = [];
  /** Of the set of resource classes and implementations that `hosts` was made from. */
  hostsEpoch = NONE;
  /** Submitters that know that no resource can run this. */
  readonly noticed = new Set<ScopeId>();

  constructor(row: number, key: string, of: ReadyClassParts) {
    this.row = row;
    this.key = key;
    this.core = of.core;
    this.priority = of.priority;
    this.speciality = of.speciality;
    this.element = of.element;
    this.needs = of.needs;
  }

  get plain(): boolean {
    return this.speciality === PLAIN;
  }
}

export interface ReadyClassParts {
  readonly core: number;
  readonly priority: boolean;
  readonly speciality: Speciality;
  readonly element: CoreElement;
  readonly needs: readonly Need[];
}
