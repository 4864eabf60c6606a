import type { TimerId } from './model/ids.ts';
import type { Clock } from './ports.ts';

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The timers that the core armed. None of them keeps the process alive. */
export class Timers {
  readonly #handles = new Map<TimerId, NodeJS.Timeout>();
  readonly #clock: Clock;
  readonly #fired: (timer: TimerId) => void;

  constructor(clock: Clock, fired: (timer: TimerId) => void) {
    this.#clock = clock;
    this.#fired = fired;
  }

  arm(timer: TimerId, at: number): void {
    this.disarm(timer);
    const delay = Math.min(LONGEST_TIMEOUT_MS, Math.max(0, at - this.#clock.now()));
    const handle = setTimeout(() => {
      this.#handles.delete(timer);
      this.#fired(timer);
    }, delay);
    handle.unref();
    this.#handles.set(timer, handle);
  }

  disarm(timer: TimerId): void {
    clearTimeout(this.#handles.get(timer));
    this.#handles.delete(timer);
  }

  close(): void {
    for (const handle of this.#handles.values()) clearTimeout(handle);
    this.#handles.clear();
  }
}
