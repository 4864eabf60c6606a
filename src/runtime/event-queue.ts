import type { DatumContent } from './ports.ts';
import type { SchedulerEvent } from './scheduler/events.ts';

/** Longest the drain loop keeps the thread before it lets I/O run. */
const DRAIN_BUDGET_MS = 5;
/** Events of one step: large enough to share its fixed cost, small enough to look at the clock often. */
const STEP_EVENTS = 1024;

/** An event whose datum has a content, which is bound as soon as the core has named its version. */
export type ContentEvent = Extract<SchedulerEvent, { type: 'datum-declared' | 'datum-written' }>;

export interface EventQueueHost {
  /** One step of the core, and all that follows from it. The last event of the batch may bring a content. */
  step(batch: readonly SchedulerEvent[], bound: ContentEvent | undefined): void;
  /** A step threw: the queue is closed. */
  failed(error: unknown): void;
}

/** Events on their way to the core. They are drained in batches at the end of the turn, and the thread is kept for a bounded time. */
export class EventQueue {
  readonly #host: EventQueueHost;
  #events: SchedulerEvent[] = [];
  #head = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #closed = false;
  readonly #contents = new Map<SchedulerEvent, DatumContent>();

  constructor(host: EventQueueHost) {
    this.#host = host;
  }

  post(event: SchedulerEvent): void {
    if (this.#closed) return;
    this.#events.push(event);
    this.#scheduled ??= setImmediate(this.#drain);
  }

  postWithContent(event: ContentEvent, content: DatumContent): void {
    if (this.#closed) return;
    this.#contents.set(event, content);
    this.post(event);
  }

  takeContent(event: ContentEvent): DatumContent | undefined {
    const content = this.#contents.get(event);
    this.#contents.delete(event);
    return content;
  }

  /** Whatever is posted or waits is dropped. */
  close(): void {
    this.#closed = true;
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
  }

  readonly #drain = (): void => {
    this.#scheduled = undefined;
    const deadline = performance.now() + DRAIN_BUDGET_MS;
    try {
      while (this.#head < this.#events.length && !this.#closed) {
        this.#stepOnce();
        if (performance.now() > deadline) break;
      }
    } catch (error) {
      this.close();
      this.#host.failed(error);
      return;
    }
    if (this.#closed) return;
    if (this.#head < this.#events.length) this.#scheduled = setImmediate(this.#drain);
    else this.#restart();
  };

  #stepOnce(): void {
    const start = this.#head;
    const limit = Math.min(this.#events.length, start + STEP_EVENTS);
    let end = start;
    let bound: ContentEvent | undefined;
    while (end < limit && bound === undefined) {
      const event = this.#events[end++]!;
      if (event.type === 'datum-declared' || event.type === 'datum-written') bound = event;
    }
    this.#head = end;
    const whole = start === 0 && end === this.#events.length;
    const batch = whole ? this.#events : this.#events.slice(start, end);
    if (whole) this.#restart();
    this.#host.step(batch, bound);
  }

  #restart(): void {
    this.#events = [];
    this.#head = 0;
  }
}
