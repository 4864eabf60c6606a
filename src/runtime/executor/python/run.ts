import type { VersionId } from '../../model/ids.ts';
import { Attempt } from '../attempt.ts';
import type { Stop as ThreadStop } from '../run.ts';
import type { PythonScope } from './scope.ts';
import type { PythonWorker } from './worker.ts';

/** Why an attempt is being stopped, and what it becomes when it does not end well by itself. */
export type Stop = Pick<ThreadStop, 'kind'>;

/** One attempt in a Python process. */
export class PythonRun extends Attempt {
  worker: PythonWorker | undefined;
  /** Number among the attempts of its process. */
  index = -1;
  stop: Stop | undefined;
  scope: PythonScope | undefined;
  /** Inputs whose shared files it uses. */
  held: readonly VersionId[] = [];

  /** A whole program: its process is of no use to others afterwards. */
  get isProgram(): boolean {
    return this.request.implementation.method === '__main__';
  }
}
