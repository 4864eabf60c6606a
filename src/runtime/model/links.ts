import { NONE } from './ids.ts';
import { grown } from './rows.ts';

/** Nodes of many short singly linked lists of Int32 values; a list is the number of its first node, or NONE. */
export class Links {
  value = new Int32Array(1024);
  next = new Int32Array(1024);
  #high = 0;
  #free = NONE;

  /** A list with `value` before `list`. */
  push(list: number, value: number): number {
    let node = this.#free;
    if (node === NONE) {
      node = this.#high++;
      if (node >= this.value.length) this.#grow();
    } else {
      this.#free = this.next[node]!;
    }
    this.value[node] = value;
    this.next[node] = list;
    return node;
  }

  /** Recycles one node and gives the rest of its list. */
  shift(node: number): number {
    const rest = this.next[node]!;
    this.next[node] = this.#free;
    this.#free = node;
    return rest;
  }

  /** The list without `value`; the same list when it is not in it. */
  without(list: number, value: number): number {
    let before = NONE;
    for (let node = list; node !== NONE; node = this.next[node]!) {
      if (this.value[node] === value) {
        const rest = this.shift(node);
        if (before === NONE) return rest;
        this.next[before] = rest;
        return list;
      }
      before = node;
    }
    return list;
  }

  has(list: number, value: number): boolean {
    for (let node = list; node !== NONE; node = this.next[node]!) if (this.value[node] === value) return true;
    return false;
  }

  /** Turns the list round: pushed last comes last. */
  reversed(list: number): number {
    let turned = NONE;
    for (let node = list; node !== NONE; ) {
      const rest = this.next[node]!;
      this.next[node] = turned;
      turned = node;
      node = rest;
    }
    return turned;
  }

  #grow(): void {
    this.value = grown(this.value, this.value.length * 2);
    this.next = grown(this.next, this.next.length * 2);
  }
}
