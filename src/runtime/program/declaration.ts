import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';
import { RuntimeError } from '../../common/errors.ts';
import { DIRECTIONS, type Direction } from '../model/access.ts';
import type { CoreElement, Implementation } from '../model/core-element.ts';
import type { Constraints } from '../model/resource.ts';
import { ON_FAILURE, type OnFailure, type TaskSpec } from '../model/task.ts';
import { moduleName } from './code-paths.ts';
import { parseConstraints, type TaskConstraints } from './task-constraints.ts';

export const PARAMETER_TYPES = ['value', 'file', 'directory', 'collection', 'dictionary'] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

/** How a task uses one of its parameters. */
export interface Parameter {
  /** Default IN. */
  readonly direction?: Direction;
  /**
   * Default value. `file` and `directory`: the argument is a path, or an array of paths. `collection`: each element of an
   * array, and of the arrays in it, is a datum of its own; `dictionary`: each value of a plain object.
   */
  readonly type?: ParameterType;
  /** Weight of its data for placement near them; default 1. */
  readonly weight?: number;
  /** Collections: how deep elements are looked for; default to the bottom. */
  readonly depth?: number;
  /** Files: the task sees the name that the runtime gave them. */
  readonly keepRename?: boolean;
}

export interface TaskOptions<Returns extends number = number> {
  /** Name of the core element in its module; default: the function's own. */
  readonly name?: string;
  /** By position; an IN value where nothing is said. */
  readonly params?: readonly (Direction | Parameter)[];
  /** Number of values: 0, 1 (default), or n when the function gives an array of n. */
  readonly returns?: Returns;
  /** What a node needs; a function computes it from the arguments of each call. */
  readonly constraints?: TaskConstraints | ((...args: readonly unknown[]) => TaskConstraints);
  readonly priority?: boolean;
  /** Default RETRY. */
  readonly onFailure?: OnFailure;
  /** Milliseconds that one attempt may take from its start, waiting for tasks of its own included; default: no limit. */
  readonly timeOut?: number;
  /** Nodes that the task holds at once; default 1. */
  readonly computingNodes?: number;
  readonly isReplicated?: boolean;
  readonly isDistributed?: boolean;
  /** False: has side effects that must not happen twice. */
  readonly repeatable?: boolean;
  /** Other ways to run it. */
  readonly implementations?: readonly Implementation[];
}

const OPTIONS: Readonly<Record<keyof TaskOptions, true>> = {
  name: true,
  params: true,
  returns: true,
  constraints: true,
  priority: true,
  onFailure: true,
  timeOut: true,
  computingNodes: true,
  isReplicated: true,
  isDistributed: true,
  repeatable: true,
  implementations: true,
};

export type UserFunction = (...args: unknown[]) => unknown;

type CallOptions = Pick<
  TaskSpec,
  'priority' | 'onFailure' | 'timeOutMs' | 'computingNodes' | 'isReplicated' | 'isDistributed' | 'repeatable'
>;

/** A task as its program declares it. */
export interface TaskDeclaration {
  readonly fn: UserFunction;
  readonly element: CoreElement;
  /** Where it is declared, when no code path holds that: then only plain sequential code can run it. */
  readonly outside: string | undefined;
  /** For messages. */
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  /** Every parameter is an IN value: nothing needs to be looked up by position. */
  readonly plain: boolean;
  readonly returns: number;
  /** Undefined when there are none. */
  readonly options: CallOptions | undefined;
  readonly constraintsOf: ((...args: readonly unknown[]) => Constraints) | undefined;
}

/** A parameter with its defaults filled in. */
export interface ParameterSpec extends Parameter {
  readonly direction: Direction;
  readonly type: ParameterType;
}

/** `caller`: URL or path of the module that declares the task. */
export function parseDeclaration(options: TaskOptions, fn: UserFunction, caller: string | undefined): TaskDeclaration {
  const name = options.name ?? fn.name;
  if (name === '') throw new RuntimeError('ERR_TASK_UNNAMED');
  const check = new DeclarationCheck(name);
  check.names(options);
  const { constraints } = options;
  const parameters = (options.params ?? []).map((given, i) => check.parameter(given, i));
  const returns = check.count('returns', options.returns ?? 1);
  const file = caller === undefined ? '<unknown>' : filePath(caller);
  const module = moduleName(file);
  return {
    fn,
    name,
    element: {
      signature: `${module ?? file}#${name}`,
      implementations: [
        {
          language: 'JS',
          module: module ?? file,
          method: name,
          ...(typeof constraints === 'object' ? { constraints: check.constraints(constraints) } : {}),
        },
        ...(options.implementations ?? []),
      ],
    },
    outside: module === undefined ? file : undefined,
    parameters,
    plain: parameters.every((one) => one.direction === 'IN' && one.type === 'value' && one.weight === undefined),
    returns,
    options: callOptions(options, check),
    constraintsOf: typeof constraints === 'function' ? (...args) => check.constraints(constraints(...args)) : undefined,
  };
}

function callOptions(options: TaskOptions, check: DeclarationCheck): CallOptions | undefined {
  const { priority, onFailure, timeOut, computingNodes, isReplicated, isDistributed, repeatable } = options;
  if (onFailure !== undefined) check.oneOf('onFailure', onFailure, ON_FAILURE);
  if (timeOut !== undefined) check.count('timeOut', timeOut);
  if (computingNodes !== undefined) check.count('computingNodes', computingNodes);
  const given = {
    ...(priority === undefined ? {} : { priority }),
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(timeOut === undefined ? {} : { timeOutMs: timeOut }),
    ...(computingNodes === undefined ? {} : { computingNodes }),
    ...(isReplicated === undefined ? {} : { isReplicated }),
    ...(isDistributed === undefined ? {} : { isDistributed }),
    ...(repeatable === undefined ? {} : { repeatable }),
  };
  return Object.keys(given).length === 0 ? undefined : given;
}

class DeclarationCheck {
  readonly #task: string;

  constructor(task: string) {
    this.#task = task;
  }

  parameter(given: Direction | Parameter, position: number): ParameterSpec {
    const parameter = typeof given === 'string' ? { direction: given } : given;
    const spec = { ...parameter, direction: parameter.direction ?? 'IN', type: parameter.type ?? 'value' };
    this.oneOf(`params[${position}].direction`, spec.direction, DIRECTIONS);
    this.oneOf(`params[${position}].type`, spec.type, PARAMETER_TYPES);
    return spec;
  }

  names(options: TaskOptions): void {
    const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
    if (unknown !== undefined)
      throw this.#invalid(unknown, `is no option of a task; known: ${Object.keys(OPTIONS).join(', ')}`);
  }

  constraints(given: TaskConstraints): Constraints {
    const parsed = parseConstraints(given);
    if ('fault' in parsed) throw this.#invalid(parsed.fault.field, parsed.fault.reason);
    return parsed;
  }

  count(field: string, value: number): number {
    if (Number.isInteger(value) && value >= 0) return value;
    throw this.#invalid(field, `${value} is no count`);
  }

  oneOf(field: string, value: string, allowed: readonly string[]): void {
    if (!allowed.includes(value)) throw this.#invalid(field, `${value} is none of ${allowed.join(', ')}`);
  }

  #invalid(field: string, reason: string): RuntimeError {
    return new RuntimeError('ERR_TASK_DECLARATION_INVALID', { task: this.#task, field, reason });
  }
}

const filePath = (caller: string): string => (caller.startsWith('file:') ? fileURLToPath(caller) : caller);

/** URL or path of the code that called the function that calls this one. */
export function callerModule(): string | undefined {
  const here = getCallSites(2)[1]?.scriptName;
  return getCallSites(8).find(({ scriptName }, depth) => depth > 1 && scriptName !== here)?.scriptName;
}
