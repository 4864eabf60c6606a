import { type ErrorInfo, RuntimeError } from '../../common/errors.ts';
import { errorInfo } from '../graph/access-analysis.ts';
import type { Failure } from '../graph/failure.ts';
import type { TaskId } from '../model/ids.ts';
import { taskName } from './names.ts';
import type { CoreState } from './state.ts';

/** What a task that could not run is told; made when somebody asks, since there may be a million of them. */
class Consequence implements Failure {
  readonly status: 'failed' | 'cancelled';
  readonly expected: boolean;
  readonly origin: TaskId | undefined;
  readonly #task: TaskId;
  readonly #signature: string;
  readonly #cause: Failure;

  constructor(cause: Failure, task: TaskId, signature: string) {
    this.status = cause.status;
    this.expected = cause.expected;
    this.origin = cause.origin;
    this.#task = task;
    this.#signature = signature;
    this.#cause = cause;
  }

  get error(): ErrorInfo {
    const origin = this.origin === undefined ? 'its data' : taskName(this.origin);
    const { error } = this.#cause;
    const task = taskName(this.#task);
    const reason = this.status === 'failed' ? error.message : `${origin} was cancelled or failed: ${error.message}`;
    return this.status === 'failed'
      ? errorInfo(
          new RuntimeError('ERR_PREDECESSOR_FAILED', { task, signature: this.#signature, origin, reason }),
          error,
        )
      : errorInfo(new RuntimeError('ERR_TASK_CANCELLED', { task, signature: this.#signature, reason }), error);
  }

  get root(): Failure {
    return this.#cause;
  }
}

/** The failure of a task whose input failed. However long the chain, it leads to the origin at once. */
export function consequence(state: CoreState, task: number, cause: Failure): Failure {
  const root = cause instanceof Consequence ? cause.root : cause;
  return new Consequence(root, state.taskId(task), state.signature(task));
}

/** Who caused it is the task itself. */
export function ownFailure(state: CoreState, task: number, of: Omit<Failure, 'origin'>): Failure {
  return { status: of.status, error: of.error, expected: of.expected, origin: state.taskId(task) };
}

export function cancellation(state: CoreState, task: number, reason: string, expected = true): Failure {
  const details = { task: taskName(state.taskId(task)), signature: state.signature(task), reason };
  return ownFailure(state, task, {
    status: 'cancelled',
    error: errorInfo(new RuntimeError('ERR_TASK_CANCELLED', details)),
    expected,
  });
}

export function dataLost(version: string, node: string, reason: string): Failure {
  return {
    status: 'failed',
    error: errorInfo(new RuntimeError('ERR_DATA_LOST', { version, node, reason })),
    expected: false,
  };
}
