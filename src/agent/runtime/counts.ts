import type { TaskId } from '../../runtime/model/ids.ts';
import type { InvocationOutcome } from '../../runtime/model/outcome.ts';
import type { TaskStatus } from '../../runtime/model/task.ts';
import type { TaskCounts } from '../backend.ts';

/** Looks up what has become of a task: the core's view, as far back as its history goes. */
export type StatusOf = (task: TaskId) => TaskStatus | undefined;

/**
 * Tasks of one application over all its depths, counted as attempts come and go: one addition an event. Failed attempts
 * are kept by task, since only the core knows whether another attempt follows.
 */
export class TaskCounter {
  submitted = 0;
  #running = 0;
  #completed = 0;
  readonly #failed = new Set<TaskId>();
  readonly #cancelled = new Set<TaskId>();
  readonly #byNode = new Map<string, number>();
  /** Rises with every change: tells whether there is progress to report. */
  changes = 0;

  launched(): void {
    this.#running += 1;
    this.changes += 1;
  }

  settled(task: TaskId, node: string, outcome: InvocationOutcome): void {
    this.#running -= 1;
    this.changes += 1;
    if (outcome.status === 'completed' || outcome.status === 'exception') {
      this.#completed += 1;
      this.#byNode.set(node, (this.#byNode.get(node) ?? 0) + 1);
    } else if (outcome.status === 'failed') {
      this.#failed.add(task);
    } else if (outcome.status === 'cancelled') {
      this.#cancelled.add(task);
    }
  }

  completedByNode(): Record<string, number> {
    return Object.fromEntries(this.#byNode);
  }

  /** `ready` is how many tasks of the whole agent are ready: what is pending beyond them is blocked. */
  counts(statusOf: StatusOf, ready: number, ended: boolean): TaskCounts {
    const failed = countWith(this.#failed, 'failed', statusOf);
    const cancelled = countWith(this.#cancelled, 'cancelled', statusOf);
    const pending = Math.max(0, this.submitted - this.#completed - failed - cancelled - this.#running);
    const waiting = ended ? 0 : Math.min(pending, ready);
    return {
      submitted: this.submitted,
      blocked: ended ? 0 : pending - waiting,
      ready: waiting,
      running: Math.max(0, this.#running),
      completed: this.#completed,
      failed,
      // What had not started when the application ended was cancelled with it.
      cancelled: ended ? cancelled + pending : cancelled,
    };
  }
}

function countWith(tasks: ReadonlySet<TaskId>, status: TaskStatus, statusOf: StatusOf): number {
  let count = 0;
  for (const task of tasks) if ((statusOf(task) ?? status) === status) count += 1;
  return count;
}
