/** What is to happen, by virtual time; what was added first comes first among equals. A binary heap. */
export class Timeline<T> {
  readonly #items: T[] = [];
  #at = new Float64Array(1024);
  #order = new Float64Array(1024);
  #added = 0;

  get size(): number {
    return this.#items.length;
  }

  /** Time of the first item; Infinity when there is none. */
  get next(): number {
    return this.#items.length === 0 ? Number.POSITIVE_INFINITY : this.#at[0]!;
  }

  add(at: number, item: T): void {
    const place = this.#items.length;
    if (place === this.#at.length) this.#grow();
    this.#items.push(item);
    this.#rise(place, at, this.#added++, item);
  }

  /** Takes the first item; there must be one. */
  take(): T {
    const items = this.#items;
    const first = items[0]!;
    const last = items.pop()!;
    if (items.length > 0) this.#sink(this.#at[items.length]!, this.#order[items.length]!, last);
    return first;
  }

  #grow(): void {
    const [at, order] = [this.#at, this.#order];
    this.#at = new Float64Array(2 * at.length);
    this.#order = new Float64Array(2 * at.length);
    this.#at.set(at);
    this.#order.set(order);
  }

  #isBefore(place: number, at: number, order: number): boolean {
    const other = this.#at[place]!;
    return other < at || (other === at && this.#order[place]! < order);
  }

  #put(place: number, at: number, order: number, item: T): void {
    this.#at[place] = at;
    this.#order[place] = order;
    this.#items[place] = item;
  }

  #rise(from: number, at: number, order: number, item: T): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#isBefore(parent, at, order)) break;
      this.#put(place, this.#at[parent]!, this.#order[parent]!, this.#items[parent]!);
      place = parent;
    }
    this.#put(place, at, order, item);
  }

  #sink(at: number, order: number, item: T): void {
    const { length } = this.#items;
    let place = 0;
    for (let child = 1; child < length; child = 2 * place + 1) {
      if (child + 1 < length && this.#isBefore(child + 1, this.#at[child]!, this.#order[child]!)) child += 1;
      if (!this.#isBefore(child, at, order)) break;
      this.#put(place, this.#at[child]!, this.#order[child]!, this.#items[child]!);
      place = child;
    }
    this.#put(place, at, order, item);
  }
}
