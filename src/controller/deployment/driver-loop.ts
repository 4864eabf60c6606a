import type { Logger } from '../../common/logger.ts';
import type { Remediation } from '../../contracts/icos/enums.ts';
import { every, type Repeating } from '../service/every.ts';
import { saysTheSame } from './conditions.ts';
import type { DeploymentDriver, DeploymentId, DeploymentState } from './driver.ts';
import type { ClaimedJob, JobQueue, Outcome, QueuedJob } from './job-queue.ts';

export interface DriverLoopSettings {
  /** How often jobs are asked for. */
  readonly pollMs: number;
  /** How often what runs is compared with what should. */
  readonly reconcileMs: number;
  /** Signs of life while a job is worked on; well inside the job manager's lease. */
  readonly heartbeatMs: number;
  /** Jobs worked on at the same time. */
  readonly parallel: number;
}

export const DRIVER_LOOP_DEFAULTS: DriverLoopSettings = {
  pollMs: 1_000,
  reconcileMs: 30_000,
  heartbeatMs: 60_000,
  parallel: 4,
};

/** Lets a driver work for a job manager. The driver is the loop's: it ends with it. */
export class DriverLoop {
  readonly #driver: DeploymentDriver;
  readonly #queue: JobQueue;
  readonly #settings: DriverLoopSettings;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #working = new Set<DeploymentId>();
  readonly #tasks = new Set<Promise<void>>();
  /** States that the job manager has not heard of yet, and those it has. */
  readonly #untold = new Map<DeploymentId, DeploymentState>();
  readonly #told = new Map<DeploymentId, DeploymentState>();
  readonly #taking: Repeating;
  readonly #reconciling: Repeating;
  #trouble: string | undefined;
  #unwatch: () => void = () => undefined;

  constructor(driver: DeploymentDriver, queue: JobQueue, settings: DriverLoopSettings, logger: Logger) {
    this.#driver = driver;
    this.#queue = queue;
    this.#settings = settings;
    this.#logger = logger;
    this.#taking = every(settings.pollMs, () => this.#guard('asking for jobs', () => this.#takeJobs()), logger);
    this.#reconciling = every(settings.reconcileMs, () => this.#guard('comparing', () => this.#reconcile()), logger);
  }

  start(): void {
    this.#unwatch = this.#driver.watch((state) => {
      this.#untold.set(state.id, state);
      this.#taking.wake();
    });
    for (const repeating of [this.#taking, this.#reconciling]) {
      repeating.start();
      repeating.wake();
    }
  }

  /** Ends what is under way, then the driver. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#taking.stop(), this.#reconciling.stop(), ...this.#tasks]);
    // What ends with the driver is told before it goes, if the job manager is there to hear it.
    await this.#driver[Symbol.asyncDispose]();
    await this.#tellUntold().catch(() => undefined);
    this.#unwatch();
  }

  /** Why the job manager cannot be worked for, for the health endpoint. */
  get problem(): string | undefined {
    return this.#trouble;
  }

  /** The job manager may be away: then nothing is lost, since the next round asks again. */
  async #guard(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#trouble = undefined;
    } catch (thrown) {
      this.#trouble = `${what}: ${messageOf(thrown)}`;
      throw thrown;
    }
  }

  async #takeJobs(): Promise<void> {
    await this.#tellUntold();
    const { orchestrator, id } = this.#driver;
    const free = this.#settings.parallel - this.#working.size;
    if (free <= 0) return;
    const jobs = await this.#queue.executable(orchestrator, id);
    const mine = jobs.filter(
      ({ deployment }) => this.#driver.serves(deployment.target) && !this.#working.has(deployment.id),
    );
    for (const job of mine.slice(0, free)) {
      const claimed = await this.#queue.claim(job, id);
      if (claimed !== undefined) this.#track(this.#workOn(claimed));
    }
  }

  /** Work that runs beside the rounds; none of it rejects. */
  #track(task: Promise<void>): void {
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task));
  }

  async #workOn(job: ClaimedJob): Promise<void> {
    const { id } = job.deployment;
    this.#working.add(id);
    const beating = setInterval(() => {
      this.#queue.report(job, this.#driver.id, 'progressing', undefined).catch(() => undefined);
    }, this.#settings.heartbeatMs);
    try {
      const { outcome, state } = await this.#perform(job);
      await this.#reportUntilHeard(job, outcome, state);
      if (state !== undefined) this.#told.set(id, state);
    } catch (thrown) {
      // Not reported: the lease ends and the job comes again.
      const { aborted } = this.#stopping.signal;
      if (!aborted) this.#logger.warn({ job: id, err: messageOf(thrown) }, 'a job failed; it will be tried again');
    } finally {
      clearInterval(beating);
      this.#working.delete(id);
      this.#taking.wake();
    }
  }

  async #perform({ deployment, action, remediation }: ClaimedJob): Promise<Performed> {
    const { signal } = this.#stopping;
    if (action === 'delete' || (action === 'update' && REALLOCATIONS.has(remediation))) {
      await this.#driver.remove(deployment.id, signal);
      this.#told.delete(deployment.id);
      return { outcome: 'finished', state: undefined };
    }
    const state =
      action === 'update'
        ? await this.#driver.update(deployment, remediation as Remediation, signal)
        : await this.#driver.apply(deployment, signal);
    return { outcome: OUTCOMES[state.status], state };
  }

  /** A report must arrive: a job that was done and not reported would be done again. */
  async #reportUntilHeard(job: ClaimedJob, outcome: Outcome, state: DeploymentState | undefined): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#queue.report(job, this.#driver.id, outcome, state);
        return;
      } catch (thrown) {
        if (this.#stopping.signal.aborted) throw thrown;
        this.#trouble = `reporting: ${messageOf(thrown)}`;
        await pause(Math.min(MAX_BACKOFF_MS, this.#settings.pollMs * 2 ** attempt), this.#stopping.signal);
      }
    }
  }

  async #tellUntold(): Promise<void> {
    for (const [id, state] of this.#untold) {
      if (this.#working.has(id)) continue;
      this.#untold.delete(id);
      if (saysTheSame(this.#told.get(id), state)) continue;
      try {
        await this.#queue.tell(state);
        this.#told.set(id, state);
      } catch (thrown) {
        if (!this.#untold.has(id)) this.#untold.set(id, state);
        throw thrown;
      }
    }
  }

  /** What should run and does not is brought back; what runs and nobody wants is removed. */
  async #reconcile(): Promise<void> {
    // Looked at before the jobs: a deployment is claimed before it is there, so what was there has its job in the list.
    const present = new Set((await this.#driver.observe()).map((state) => state.id));
    const jobs = await this.#queue.owned(this.#driver.orchestrator, this.#driver.id);
    const wanted = new Map(jobs.map((job) => [job.deployment.id, job]));
    for (const [id, job] of wanted) {
      if (!present.has(id) && !this.#working.has(id) && shouldRun(job)) this.#track(this.#restore(job));
    }
    for (const id of present) {
      const job = wanted.get(id);
      const isOver = job === undefined || (job.action === 'delete' && job.status === 'finished');
      if (!isOver || this.#working.has(id)) continue;
      this.#logger.info({ deployment: id }, 'removed what no job stands for');
      await this.#driver.remove(id, this.#stopping.signal);
    }
  }

  async #restore({ deployment }: QueuedJob): Promise<void> {
    const { id } = deployment;
    this.#working.add(id);
    try {
      this.#untold.set(id, await this.#driver.apply(deployment, this.#stopping.signal));
    } catch (thrown) {
      this.#logger.warn(
        { job: id, err: messageOf(thrown) },
        'could not be brought back; the next comparison tries again',
      );
    } finally {
      this.#working.delete(id);
      this.#taking.wake();
    }
  }
}

interface Performed {
  readonly outcome: Outcome;
  /** Undefined: nothing is left. */
  readonly state: DeploymentState | undefined;
}

const OUTCOMES: Readonly<Record<DeploymentState['status'], Outcome>> = {
  progressing: 'progressing',
  available: 'finished',
  degraded: 'degraded',
};

/** The job manager looks for another node itself once these are done. */
const REALLOCATIONS: ReadonlySet<string> = new Set(['reallocation', 'migrate', 'redeploy']);
const MAX_BACKOFF_MS = 30_000;

const shouldRun = ({ action, status }: QueuedJob): boolean =>
  action !== 'delete' && (status === 'finished' || status === 'degraded');

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
