import type { IterationLine, TrainingWatcher } from './training.ts';

const WIDTH = 24;

/** A bar that is drawn over itself on a terminal; elsewhere one line for each iteration. */
export class ProgressBar implements TrainingWatcher, Disposable {
  readonly #most: number;
  readonly #out: NodeJS.WriteStream;
  #last: IterationLine | undefined;
  #tasks: Readonly<Record<string, number>> = {};

  constructor(most: number, out: NodeJS.WriteStream = process.stdout) {
    this.#most = most;
    this.#out = out;
  }

  iteration(line: IterationLine): void {
    this.#last = line;
    if (this.#out.isTTY) this.#draw();
    else this.#out.write(`${this.#text()}\n`);
  }

  tasks(completedByNode: Readonly<Record<string, number>>): void {
    this.#tasks = completedByNode;
    if (this.#out.isTTY) this.#draw();
  }

  #draw(): void {
    this.#out.write(`\r\u001b[2K${this.#text().slice(0, this.#out.columns - 1)}`);
  }

  #text(): string {
    const { iteration = 0, inertia } = this.#last ?? {};
    const filled = Math.round((iteration / this.#most) * WIDTH);
    const bar = '#'.repeat(filled) + '-'.repeat(WIDTH - filled);
    const tasks = Object.entries(this.#tasks)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => `${name} ${count}`);
    return [
      `[${bar}] iteration ${iteration} of at most ${this.#most}`,
      ...(inertia === undefined ? ['reading the points'] : [`inertia ${inertia.toPrecision(10)}`]),
      ...(tasks.length === 0 ? [] : [`tasks: ${tasks.join(', ')}`]),
    ].join('  ');
  }

  [Symbol.dispose](): void {
    if (this.#out.isTTY) this.#out.write('\n');
  }
}
