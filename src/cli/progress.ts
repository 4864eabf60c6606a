import type { ApplicationBody } from '../contracts/agent/views.ts';
import { duration } from './format.ts';
import type { Terminal } from './terminal.ts';

/** Nothing is shown of what takes less. */
const QUIET_MS = 1_000;
const REDRAW_MS = 100;
/** Without a terminal: a line so often. */
const LINE_MS = 5_000;
const BAR = 24;

type Counts = Pick<ApplicationBody, 'tasks' | 'completedByNode'>;

/** Shows how far an application is: a bar on a terminal, plain lines elsewhere. */
export class Progress implements Disposable {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  readonly #started: number;
  #counts: Counts | undefined;
  #shown: number;
  #timer: NodeJS.Timeout;

  constructor(terminal: Terminal, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
    this.#started = now();
    this.#shown = this.#started;
    this.#timer = setInterval(() => this.draw(), terminal.interactive ? REDRAW_MS : LINE_MS);
    this.#timer.unref();
  }

  update(counts: Counts): void {
    this.#counts = counts;
  }

  draw(): void {
    const elapsed = this.#now() - this.#started;
    if (elapsed < QUIET_MS) return;
    if (this.#terminal.interactive) {
      this.#terminal.status(this.#line(elapsed, true).slice(0, this.#terminal.columns - 1));
    } else if (this.#now() - this.#shown >= LINE_MS) {
      this.#shown = this.#now();
      this.#terminal.error(this.#line(elapsed, false));
    }
  }

  #line(elapsed: number, withBar: boolean): string {
    const { tasks, completedByNode } = this.#counts ?? { tasks: undefined, completedByNode: {} };
    if (tasks === undefined || tasks.submitted === 0) return `waiting for tasks, ${duration(elapsed)}`;
    const done = tasks.completed + tasks.failed + tasks.cancelled;
    const nodes = Object.entries(completedByNode)
      .map(([node, count]) => `${node} ${count}`)
      .join(', ');
    const failed = tasks.failed > 0 ? `, ${tasks.failed} failed` : '';
    const bar = withBar ? `${barOf(done / tasks.submitted)} ` : '';
    return `${bar}${done} of ${tasks.submitted} tasks${failed}${nodes === '' ? '' : ` (${nodes})`}, ${tasks.running} running, ${duration(elapsed)}`;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#terminal.status(undefined);
  }
}

function barOf(share: number): string {
  const filled = Math.round(Math.min(1, share) * BAR);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}]`;
}
