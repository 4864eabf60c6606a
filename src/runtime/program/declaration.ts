import { fileURLToPath } from 'node:url';
import { RuntimeError } from '../../common/errors.ts';
import { DIRECTIONS, type Direction } from '../model/access.ts';
import type { CoreElement, Implementation } from '../model/core-element.ts';
import type { Constraints } from '../model/resource.ts';
import type { OnFailure } from '../model/task.ts';
import { moduleName } from './code-paths.ts';

/** How a task uses one of its parameters. */
export interface Parameter {
  readonly direction: Direction;
  /** Weight of this datum for locality; default 1. */
  readonly weight?: number;
}

export interface TaskOptions<Returns extends number = 0 | 1> {
  /** Name of the core element in its module; default: the function's own. */
  readonly name?: string;
  /** By position; IN where nothing is said. */
  readonly params?: readonly (Direction | Parameter)[];
  /** Number of values: 0, 1 (default), or n for an array of n. */
  readonly returns?: Returns;
  readonly constraints?: Constraints;
  readonly priority?: boolean;
  /** Default RETRY. */
  readonly onFailure?: OnFailure;
  /** Milliseconds of one attempt. */
  readonly timeOut?: number;
  readonly computingNodes?: number;
  /** False: has side effects that must not happen twice. */
  readonly repeatable?: boolean;
  /** Other ways to run it. */
  readonly implementations?: readonly Implementation[];
}

export function parametersOf(params: TaskOptions<number>['params'] = []): Parameter[] {
  return params.map((one, index) => {
    const parameter = typeof one === 'string' ? { direction: one } : one;
    if (DIRECTIONS.includes(parameter.direction)) return parameter;
    throw new RuntimeError('ERR_REQUEST_INVALID', {
      field: `params[${index}]`,
      reason: `${parameter.direction} is none of ${DIRECTIONS.join(', ')}`,
    });
  });
}

/** The core element of a declared function, as every node knows it. */
export function elementOf(module: string, method: string, options: TaskOptions<number>): CoreElement {
  const own: Implementation = {
    language: 'JS',
    module,
    method,
    ...(options.constraints === undefined ? {} : { constraints: options.constraints }),
  };
  return { signature: `${module}#${method}`, implementations: [own, ...(options.implementations ?? [])] };
}

/** Module of the caller of `task()`, relative to the code path; undefined outside an agent. Throws when it lies outside. */
export function callerModule(here: string): string | undefined {
  const lines = (new Error('stack').stack ?? '').split('\n').slice(1);
  for (const line of lines) {
    const url = /(file:\/\/[^\s)]+?)(?::\d+){1,2}\)?$/.exec(line)?.[1];
    if (url === undefined || url === here || url === import.meta.url) continue;
    return moduleName(fileURLToPath(url));
  }
  return undefined;
}
