/** Values a mean remembers: later ones replace earlier ones slowly, so that it follows changing work. */
const MEMORY = 32;

/** Mean run times of implementations, from profiles at first and from what ran afterwards. */
export class Durations {
  /** By core element, by implementation. */
  readonly #means: number[][] = [];
  readonly #counts: number[][] = [];
  readonly #profiles: Readonly<Record<string, { readonly averageMs: number }>>;

  constructor(profiles: Readonly<Record<string, { readonly averageMs: number }>> = {}) {
    this.#profiles = profiles;
  }

  register(core: number, signature: string, implementations: number): void {
    this.#means[core] ??= [];
    this.#counts[core] ??= [];
    const profile = this.#profiles[signature]?.averageMs ?? Number.NaN;
    for (let index = this.#means[core].length; index < implementations; index++) {
      this.#means[core][index] = profile;
      this.#counts[core]![index] = Number.isNaN(profile) ? 0 : 1;
    }
  }

  ran(core: number, implementation: number, milliseconds: number): void {
    const means = this.#means[core];
    const counts = this.#counts[core];
    if (means === undefined || counts === undefined) return;
    const count = counts[implementation] ?? 0;
    if (count === 0) means[implementation] = milliseconds;
    else means[implementation]! += (milliseconds - means[implementation]!) / Math.min(count + 1, MEMORY);
    counts[implementation] = count + 1;
  }

  /** NaN when it has never run and has no profile. */
  mean(core: number, implementation: number): number {
    return this.#means[core]?.[implementation] ?? Number.NaN;
  }
}
