import { resolve } from 'node:path';

/**
 * First come, first served. Turns belong to the file: a connection waiting for another one of the same thread would
 * block the thread that the other needs to go on.
 */
export class Turns {
  readonly #waiting: { readonly owner: object; readonly go: () => void }[] = [];
  #taken = false;
  #resting: { readonly owner: object; readonly finish: () => void } | undefined;

  take(owner: object): Promise<void> {
    if (!this.#taken) {
      this.#taken = true;
      if (this.#resting?.owner !== owner) this.#resting?.finish();
      this.#resting = undefined;
      return Promise.resolve();
    }
    return new Promise((go) => this.#waiting.push({ owner, go }));
  }

  /** Passes the turn on with something unfinished, which `finish` ends before anybody else has a turn. */
  rest(owner: object, finish: () => void): void {
    this.#resting = { owner, finish };
    this.pass();
  }

  /** Ends what the owner left unfinished, unless somebody took a turn and did. */
  finishRest(owner: object): void {
    const resting = this.#resting;
    if (resting?.owner !== owner) return;
    this.#resting = undefined;
    resting.finish();
  }

  /** Whether nobody waits for a turn. */
  get isFree(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether the next turn goes to the same owner. */
  isNext(owner: object): boolean {
    return this.#waiting[0]?.owner === owner;
  }

  pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken = false;
    else next.go();
  }
}

/** Held weakly, so that a file nobody has open is forgotten. */
const turnsByFile = new Map<string, WeakRef<Turns>>();

export function turnsAt(path: string): Turns {
  if (path === ':memory:') return new Turns();
  const file = resolve(path);
  const known = turnsByFile.get(file)?.deref();
  if (known !== undefined) return known;
  for (const [other, turns] of turnsByFile) if (turns.deref() === undefined) turnsByFile.delete(other);
  const turns = new Turns();
  turnsByFile.set(file, new WeakRef(turns));
  return turns;
}
