/** A share of the budget: waited for through `ready`, or had at once. */
export interface BudgetClaim {
  readonly ready: Promise<void> | undefined;
  release(): void;
}

/** Bounds the bytes under way at once. Who wants more than the whole gets it alone. First come, first served. */
export class ByteBudget {
  readonly #total: number;
  #taken = 0;
  readonly #waiting = new Map<BudgetClaim, { readonly bytes: number; readonly resolve: () => void }>();

  constructor(total: number) {
    this.#total = total;
  }

  claim(bytes: number): BudgetClaim {
    let resolve: () => void = () => undefined;
    const now = this.#waiting.size === 0 && this.#fits(bytes);
    const ready = now ? undefined : new Promise<void>((done) => (resolve = done));
    let released = false;
    const claim: BudgetClaim = {
      ready,
      release: () => {
        if (released) return;
        released = true;
        if (!this.#waiting.delete(claim)) this.#taken -= bytes;
        this.#grant();
      },
    };
    if (now) this.#taken += bytes;
    else this.#waiting.set(claim, { bytes, resolve });
    return claim;
  }

  #grant(): void {
    for (const [claim, { bytes, resolve }] of this.#waiting) {
      if (!this.#fits(bytes)) return;
      this.#waiting.delete(claim);
      this.#taken += bytes;
      resolve();
    }
  }

  #fits(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#total;
  }
}
