import { AttemptQueue } from './attempt-queue.ts';
import type { Lane } from './lane.ts';
import type { Run } from './run.ts';

/** Attempts a thread may have ahead: enough to hide the way there and back, few enough to move. */
const MAX_LOAD = 256;

export interface PlacementHost {
  /** A new thread, or undefined when there are as many as may be. */
  openLane(): Lane | undefined;
}

/**
 * Which attempt goes to which thread. Units are taken by the attempts that run; the others lie ahead on a thread behind
 * one of the same width, or wait here. A thread that runs dry takes what others have ahead.
 */
export class Placement extends AttemptQueue<Run> {
  readonly lanes = new Set<Lane>();
  readonly #host: PlacementHost;

  constructor(slots: number, host: PlacementHost) {
    super(slots);
    this.#host = host;
  }

  /** After the first of a thread's attempts has left it: the next one holds units now. */
  promote(lane: Lane): void {
    const { front } = lane;
    if (front !== undefined && lane.suspended === 0 && lane.resumed === 0) this.count(front);
  }

  /** Takes back everything that the thread has not begun, to the head of the queue. */
  takeBack(lane: Lane, most: number): number {
    const taken: Run[] = [];
    for (const run of lane.lastGiven(most)) {
      if (!lane.recall(run)) break;
      this.uncount(run);
      taken.push(run);
    }
    if (taken.length > 0) this.putBack(taken.reverse());
    return taken.length;
  }

  /** Gives out what can be given; the lanes are flushed. */
  place(): void {
    do {
      this.#placeQueue();
    } while (this.queued === 0 && this.#rebalance());
    for (const lane of this.lanes) lane.flush();
  }

  #placeQueue(): void {
    this.giveOut((run) => {
      const lane = this.fits(run) ? this.#laneToRun() : undefined;
      if (lane === undefined) return this.#placeAhead(run);
      this.head += 1;
      this.count(run);
      lane.give(run);
      return true;
    });
  }

  /** An idle thread; else a new one; else the one with the fewest attempts among those that only wait. */
  #laneToRun(): Lane | undefined {
    let best: Lane | undefined;
    for (const lane of this.lanes) {
      if (!lane.open || lane.load > 0 || lane.full) continue;
      if (lane.idle) return lane;
      if (lane.resumed === 0 && (best === undefined || lane.suspended < best.suspended)) best = lane;
    }
    return this.#host.openLane() ?? best;
  }

  /** Puts a share of the queue behind what threads run already. */
  #placeAhead(first: Run): boolean {
    const hosts = [...this.lanes].filter((lane) => this.#takesAhead(lane, first));
    if (hosts.length === 0) return false;
    const share = Math.ceil(this.queued / hosts.length);
    for (const lane of hosts) {
      const room = Math.min(share, MAX_LOAD - lane.load);
      for (let i = 0; i < room && !lane.full && this.head < this.queue.length; i++) {
        const run = this.queue[this.head]!;
        if (run.cpus !== first.cpus) return true;
        this.head += 1;
        lane.give(run);
      }
    }
    return true;
  }

  #takesAhead(lane: Lane, run: Run): boolean {
    return (
      lane.open &&
      lane.load > 0 &&
      lane.load < MAX_LOAD &&
      !lane.full &&
      lane.suspended === 0 &&
      lane.resumed === 0 &&
      lane.front!.cpus === run.cpus
    );
  }

  /** Units are free and nothing is queued: half of what the fullest thread has ahead goes back to the queue. */
  #rebalance(): boolean {
    if (this.taken >= this.slots) return false;
    let fullest: Lane | undefined;
    for (const lane of this.lanes) {
      if (lane.load > 1 && (fullest === undefined || lane.load > fullest.load)) fullest = lane;
    }
    if (fullest === undefined || !this.fits(fullest.front!)) return false;
    return this.takeBack(fullest, Math.ceil((fullest.load - 1) / 2)) > 0;
  }
}
