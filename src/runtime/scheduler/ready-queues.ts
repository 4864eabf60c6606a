import { NONE } from '../model/ids.ts';
import { PLAIN, ReadyClass, type Speciality } from './ready-class.ts';
import type { TaskRows } from './task-rows.ts';

const speciallyKeyed = (core: number, priority: boolean, of: Speciality): string =>
  `${core}|${priority ? 1 : 0}|${of.need}|${of.pin}|${of.avoid}|${of.locks.join()}|${of.shared.join()}|${of.nodes}`;

/**
 * Ready tasks in queues of equals, and a heap of the queues whose first task may find a place. A queue whose first task
 * found none is taken out of the heap until there is room again: it costs nothing meanwhile.
 */
export class ReadyQueues {
  /** By row (TaskRows.readyClass). */
  readonly classes: (ReadyClass | undefined)[] = [];
  readonly #freeRows: number[] = [];
  readonly #plain: (ReadyClass | undefined)[] = [];
  readonly #special = new Map<string, ReadyClass>();
  readonly #heap: ReadyClass[] = [];
  readonly #tasks: TaskRows;
  newestFirst = false;
  /** Ready tasks. */
  size = 0;

  constructor(tasks: TaskRows) {
    this.#tasks = tasks;
  }

  plain(core: number, priority: boolean): ReadyClass {
    const index = core * 2 + (priority ? 1 : 0);
    let found = this.#plain[index];
    if (found === undefined) {
      found = this.#add(core, priority, PLAIN);
      this.#plain[index] = found;
    }
    return found;
  }

  special(core: number, priority: boolean, speciality: Speciality): ReadyClass {
    const key = speciallyKeyed(core, priority, speciality);
    let found = this.#special.get(key);
    if (found === undefined) {
      found = this.#add(core, priority, speciality, key);
      this.#special.set(key, found);
    }
    return found;
  }

  #add(core: number, priority: boolean, speciality: Speciality, key?: string): ReadyClass {
    const row = this.#freeRows.pop() ?? this.classes.length;
    const added = new ReadyClass(row, core, priority, speciality, key);
    this.classes[row] = added;
    return added;
  }

  /** Queues with tasks, in no promised order. */
  *occupied(): IterableIterator<ReadyClass> {
    for (const one of this.classes) if (one !== undefined && one.size > 0) yield one;
  }

  push(to: ReadyClass, task: number, inFront: boolean): void {
    const { next, previous, readyClass } = this.#tasks;
    readyClass[task] = to.row;
    if (to.size === 0) {
      to.head = task;
      to.tail = task;
      next[task] = NONE;
      previous[task] = NONE;
    } else if (inFront) {
      next[task] = to.head;
      previous[task] = NONE;
      previous[to.head] = task;
      to.head = task;
    } else {
      previous[task] = to.tail;
      next[task] = NONE;
      next[to.tail] = task;
      to.tail = task;
    }
    to.size += 1;
    this.size += 1;
    // A queue that is stuck stays so: all its tasks ask for the same.
    if (!to.stuck) this.offer(to);
  }

  remove(task: number): void {
    const { next, previous, readyClass } = this.#tasks;
    const from = this.classes[readyClass[task]!]!;
    const [before, after] = [previous[task]!, next[task]!];
    if (before === NONE) from.head = after;
    else next[before] = after;
    if (after === NONE) from.tail = before;
    else previous[after] = before;
    readyClass[task] = NONE;
    from.size -= 1;
    this.size -= 1;
    if (from.size > 0) {
      if (from.heapIndex !== NONE) this.#reorder(from);
      return;
    }
    this.withdraw(from);
    if (from.key !== undefined && !from.stuck) this.#drop(from);
  }

  /** An empty queue of special tasks that is no longer listed anywhere. */
  #drop(empty: ReadyClass): void {
    this.#special.delete(empty.key!);
    this.classes[empty.row] = undefined;
    this.#freeRows.push(empty.row);
  }

  /** No longer stuck: looked at again, or dropped when it has emptied meanwhile. */
  release(stuck: ReadyClass): void {
    stuck.stuck = false;
    if (stuck.size > 0) this.offer(stuck);
    else if (stuck.key !== undefined && this.classes[stuck.row] === stuck) this.#drop(stuck);
  }

  // ------------------------------------------------------------------------------------------ the heap

  /** The queue whose first task comes next: priority, then age. */
  peek(): ReadyClass | undefined {
    return this.#heap[0];
  }

  /** The task that a queue offers. */
  first(of: ReadyClass): number {
    return this.newestFirst ? of.tail : of.head;
  }

  offer(queue: ReadyClass): void {
    if (queue.heapIndex === NONE) {
      queue.heapIndex = this.#heap.length;
      this.#heap.push(queue);
    }
    this.#reorder(queue);
  }

  withdraw(queue: ReadyClass): void {
    const index = queue.heapIndex;
    if (index === NONE) return;
    queue.heapIndex = NONE;
    const last = this.#heap.pop()!;
    if (last === queue) return;
    this.#heap[index] = last;
    last.heapIndex = index;
    this.#reorder(last);
  }

  #reorder(queue: ReadyClass): void {
    const number = this.#tasks.number[this.first(queue)]!;
    queue.order = this.newestFirst ? -number : number;
    this.#sink(queue, this.#rise(queue, queue.heapIndex));
  }

  #rise(queue: ReadyClass, from: number): number {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!comesBefore(queue, heap[above]!)) break;
      heap[index] = heap[above]!;
      heap[index]!.heapIndex = index;
      index = above;
    }
    heap[index] = queue;
    queue.heapIndex = index;
    return index;
  }

  #sink(queue: ReadyClass, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (let below = index * 2 + 1; below < heap.length; below = index * 2 + 1) {
      if (below + 1 < heap.length && comesBefore(heap[below + 1]!, heap[below]!)) below += 1;
      if (!comesBefore(heap[below]!, queue)) break;
      heap[index] = heap[below]!;
      heap[index]!.heapIndex = index;
      index = below;
    }
    heap[index] = queue;
    queue.heapIndex = index;
  }
}

const comesBefore = (a: ReadyClass, b: ReadyClass): boolean =>
  a.priority === b.priority ? a.order < b.order : a.priority;
