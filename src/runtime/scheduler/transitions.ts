import { RuntimeError } from '../../common/errors.ts';
import type { TaskStatus } from '../model/task.ts';

/** The whole life of a task, as data: checked on every move, drawn into the docs, asserted by the property tests. */
export const TRANSITIONS = {
  /** Waits for versions that others write. `completed`: a replay found it done before. */
  blocked: ['ready', 'completed', 'failed', 'cancelled'],
  /** Waits for a resource. `blocked`: an input was lost and is written again. */
  ready: ['blocked', 'assigned', 'failed', 'cancelled'],
  /** Sent to a resource, which may not have begun. `ready`: recalled, or lost with the resource. */
  assigned: ['running', 'ready', 'completed', 'failed', 'cancelling', 'cancelled'],
  /** `ready`: failed and tried again, or lost. */
  running: ['suspended', 'ready', 'completed', 'failed', 'cancelling', 'cancelled'],
  /** Waits inside for what it submitted, and has given its units back. */
  suspended: ['running', 'ready', 'completed', 'failed', 'cancelling', 'cancelled'],
  /** Keeps its units until the resource answers or is lost. */
  cancelling: ['cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<TaskStatus, readonly TaskStatus[]>;

/** By code, in the order of the table: what the status column holds. */
export const STATUSES = Object.keys(TRANSITIONS) as readonly TaskStatus[];

export const BLOCKED = 0;
export const READY = 1;
export const ASSIGNED = 2;
export const RUNNING = 3;
export const SUSPENDED = 4;
export const CANCELLING = 5;
export const COMPLETED = 6;
export const FAILED_STATUS = 7;
export const CANCELLED = 8;

export type StatusCode = number;

/** Bit `to` of entry `from`: the move is legal. */
const LEGAL = Uint16Array.from(STATUSES, (from) =>
  TRANSITIONS[from].reduce((bits: number, to: TaskStatus) => bits | (1 << STATUSES.indexOf(to)), 0),
);

export const isLegal = (from: StatusCode, to: StatusCode): boolean => ((LEGAL[from]! >> to) & 1) === 1;

export const isTerminal = (status: StatusCode): boolean => status >= COMPLETED;

export const statusName = (status: StatusCode): TaskStatus => STATUSES[status]!;

export function illegalMove(task: string, from: StatusCode, to: StatusCode, story: string): RuntimeError {
  return new RuntimeError('ERR_INVALID_TRANSITION', {
    task,
    from: statusName(from),
    to: statusName(to),
    story,
  });
}
