import type { ErrorInfo } from '../../common/errors.ts';
import type { TaskId } from '../model/ids.ts';

/**
 * Why a task or a version did not come to be. One object is shared by everything that follows from one cause, however
 * long the chain: what is told of a successor is made from it on demand.
 */
export interface Failure {
  readonly status: 'failed' | 'cancelled';
  readonly error: ErrorInfo;
  /** The task that failed or was cancelled first; absent when data were lost or never written. */
  readonly origin?: TaskId | undefined;
  /** The submitter asked for it, or chose to go on without the task: barriers do not fail because of it. */
  readonly expected: boolean;
}
