import type { LighthouseRepository, Renewal } from './repository.ts';

interface Waiting extends Renewal {
  readonly resolve: (renewed: boolean) => void;
  readonly reject: (reason: unknown) => void;
}

export interface RenewalOptions {
  readonly leaseMs: number;
  /** How long a renewal may wait for others to share its write. */
  readonly gatherMs: number;
  readonly now: () => number;
}

const MAX_BATCH = 256;

/**
 * Renewals are most of what a lighthouse does, and all alike: those of one moment are written together, and each is
 * answered once the write is durable. Ten thousand controllers cost some tens of writes a second instead of five hundred.
 */
export class Renewals {
  readonly #repository: LighthouseRepository;
  readonly #options: RenewalOptions;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(repository: LighthouseRepository, options: RenewalOptions) {
    this.#repository = repository;
    this.#options = options;
  }

  /** False when there is no running lease of that address, owner and name. */
  renew(renewal: Renewal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...renewal, resolve, reject });
      if (this.#waiting.length >= MAX_BATCH) this.#flush();
      else this.#timer ??= setTimeout(() => this.#flush(), this.#options.gatherMs);
    });
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    const now = this.#options.now();
    this.#repository.renew(batch, now, now + this.#options.leaseMs).then(
      (renewed) => {
        for (const { address, resolve } of batch) resolve(renewed.has(address));
      },
      (reason: unknown) => {
        for (const { reject } of batch) reject(reason);
      },
    );
  }
}
