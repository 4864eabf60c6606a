import { type ChaosNode, figuresOf, type TaskFigures } from './cluster.ts';

/** What the last line says. */
export class Tally {
  faults = 0;
  /** Runs that gave another answer. */
  wrong = 0;
  /** Runs that came to no end by their deadline. */
  lost = 0;
  /** Processes, data or files that stayed. */
  leaks = 0;
  right = 0;
  /** Runs that said that they failed. */
  failed = 0;
  readonly byFault = new Map<string, number>();
  /** Of earlier incarnations of node 1; the figures begin anew with each. */
  readonly #before: TaskFigures = { completed: 0, rerun: 0, recomputed: 0 };
  #now: TaskFigures = { completed: 0, rerun: 0, recomputed: 0 };

  fault(kind: string): void {
    this.faults += 1;
    this.byFault.set(kind, (this.byFault.get(kind) ?? 0) + 1);
  }

  async sample(first: ChaosNode): Promise<void> {
    const figures = await figuresOf(first);
    if (figures === undefined) return;
    if (figures.completed < this.#now.completed) this.newIncarnation();
    this.#now = figures;
  }

  newIncarnation(): void {
    for (const key of ['completed', 'rerun', 'recomputed'] as const) this.#before[key] += this.#now[key];
    this.#now = { completed: 0, rerun: 0, recomputed: 0 };
  }

  #total(key: keyof TaskFigures): number {
    return this.#before[key] + this.#now[key];
  }

  get passed(): boolean {
    return this.wrong === 0 && this.lost === 0 && this.leaks === 0 && this.right > 0;
  }

  summary(): string {
    const kinds = [...this.byFault].map(([kind, count]) => `${kind}=${count}`).join(' ');
    return `runs right=${this.right} failed=${this.failed}; faults ${kinds}`;
  }

  lastLine(seed: number): string {
    const tasks = `tasks=${this.#total('completed')} rerun=${this.#total('rerun')} recomputed=${this.#total('recomputed')}`;
    return `chaos seed=${seed} faults=${this.faults} ${tasks} wrong=${this.wrong} lost=${this.lost} leaks=${this.leaks}`;
  }
}
