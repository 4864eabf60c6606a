import { AttemptQueue } from '../attempt-queue.ts';
import type { PythonRun } from './run.ts';
import type { PythonWorker } from './worker.ts';

/** Attempts a process may have behind the one that runs: hides the way there and back. */
const MAX_LOAD = 64;

export interface PlacementHost {
  /** A new process, or undefined when there are as many as may be. */
  openWorker(): PythonWorker | undefined;
  /** Hands an attempt over, or ends it when that fails. */
  give(run: PythonRun, worker: PythonWorker): void;
  /** It is in the queue again. */
  takenBack(run: PythonRun): void;
}

/**
 * Which attempt goes to which process. Units are taken by the attempts that run; others lie ahead behind one of the same
 * width, or wait here. A process that runs dry takes what others have ahead.
 */
export class PythonPlacement extends AttemptQueue<PythonRun> {
  readonly workers = new Set<PythonWorker>();
  readonly #host: PlacementHost;

  constructor(slots: number, host: PlacementHost) {
    super(slots);
    this.#host = host;
  }

  /** After the first of a process's attempts has left it: the next holds units now. */
  promote(worker: PythonWorker): void {
    if (worker.front !== undefined) this.count(worker.front);
  }

  /** Takes back up to so many that the process has not begun, to the head of the queue. */
  takeBack(worker: PythonWorker, most: number): number {
    const taken: PythonRun[] = [];
    for (const run of worker.given.slice(1).slice(-most).reverse()) {
      if (!worker.takeBack(run)) break;
      this.uncount(run);
      this.#host.takenBack(run);
      taken.push(run);
    }
    if (taken.length > 0) this.putBack(taken.reverse());
    return taken.length;
  }

  /** Gives out what can be given, and sends it. */
  place(): void {
    do {
      this.#placeQueue();
    } while (this.queued === 0 && this.#rebalance());
    for (const worker of this.workers) worker.flush();
  }

  #placeQueue(): void {
    this.giveOut((run) => {
      const worker = this.fits(run) ? this.#workerFor(run) : undefined;
      if (worker === undefined) return this.#placeAhead(run);
      this.head += 1;
      this.count(run);
      this.#host.give(run, worker);
      return true;
    });
  }

  /** A program gets a process without modules that tasks have imported, as one started by hand would. */
  #workerFor(run: PythonRun): PythonWorker | undefined {
    for (const worker of this.workers)
      if (worker.idle && !worker.full && (worker.fresh || !run.isProgram)) return worker;
    return this.#host.openWorker();
  }

  /** Puts a share of the queue behind what processes run already. */
  #placeAhead(first: PythonRun): boolean {
    if (first.isProgram) return false;
    const hosts = [...this.workers].filter((worker) => takesAhead(worker, first));
    if (hosts.length === 0) return false;
    const share = Math.ceil(this.queued / hosts.length);
    for (const worker of hosts) {
      const room = Math.min(share, MAX_LOAD - worker.given.length);
      for (let i = 0; i < room && this.head < this.queue.length; i++) {
        const run = this.queue[this.head]!;
        if (run.cpus !== first.cpus || run.isProgram) return true;
        this.head += 1;
        this.#host.give(run, worker);
      }
    }
    return true;
  }

  /** Units are free and nothing is queued: half of what the fullest process has ahead goes back to the queue. */
  #rebalance(): boolean {
    if (this.taken >= this.slots) return false;
    let fullest: PythonWorker | undefined;
    for (const worker of this.workers) {
      const load = worker.given.length;
      if (load > 1 && worker.open && (fullest === undefined || load > fullest.given.length)) fullest = worker;
    }
    if (fullest === undefined || !this.fits(fullest.front!)) return false;
    return this.takeBack(fullest, Math.ceil((fullest.given.length - 1) / 2)) > 0;
  }
}

/** Not behind a program or a parent: what those wait for would wait behind them. */
function takesAhead(worker: PythonWorker, run: PythonRun): boolean {
  const { front } = worker;
  if (front === undefined || !worker.open || worker.given.length >= MAX_LOAD) return false;
  return (
    front.state === 'given' && front.scope === undefined && !front.isProgram && front.cpus === run.cpus && !worker.full
  );
}
