/** What the queue has to know of an attempt. */
export interface QueuedAttempt {
  /** Units it takes. */
  readonly cpus: number;
  /** Its units are taken. */
  counted: boolean;
}

/** Attempts that no thread or process has yet, in order, and the units that the others take. */
export abstract class AttemptQueue<Attempt extends QueuedAttempt> {
  slots: number;
  protected queue: Attempt[] = [];
  protected head = 0;
  protected taken = 0;

  constructor(slots: number) {
    this.slots = slots;
  }

  get queued(): number {
    return this.queue.length - this.head;
  }

  enqueue(attempt: Attempt): void {
    this.queue.push(attempt);
  }

  /** Removes an attempt that has not been given out. */
  dequeue(attempt: Attempt): boolean {
    const position = this.queue.indexOf(attempt, this.head);
    if (position < 0) return false;
    this.queue.splice(position, 1);
    return true;
  }

  /** Everything that waits here. */
  drain(): Attempt[] {
    const attempts = this.queue.slice(this.head);
    this.queue = [];
    this.head = 0;
    return attempts;
  }

  /** To the head. */
  putBack(attempts: readonly Attempt[]): void {
    this.queue = [...attempts, ...this.drain()];
  }

  count(attempt: Attempt): void {
    if (attempt.counted) return;
    attempt.counted = true;
    this.taken += attempt.cpus;
  }

  uncount(attempt: Attempt): void {
    if (!attempt.counted) return;
    attempt.counted = false;
    this.taken -= attempt.cpus;
  }

  /** One that is too wide runs alone. */
  protected fits(attempt: Attempt): boolean {
    return this.taken + attempt.cpus <= this.slots || this.taken === 0;
  }

  /** Gives out from the head as long as `give` takes what is there. */
  protected giveOut(give: (attempt: Attempt) => boolean): void {
    while (this.head < this.queue.length && give(this.queue[this.head]!));
    if (this.head < this.queue.length) return;
    this.queue = [];
    this.head = 0;
  }
}
