import { RuntimeError } from '../../common/errors.ts';
import type { Parameter, ParameterValue, PlainValue, StartApplication } from '../../contracts/agent/model.ts';
import type { Access, DatumKind, Direction } from '../../runtime/model/access.ts';
import type { CoreElement, Language } from '../../runtime/model/core-element.ts';
import type { Handle } from '../../runtime/model/ids.ts';

/** A parameter that is a datum: declared in the application's scope before the main is submitted. */
export interface DatumParameter {
  readonly parameter: Parameter;
  readonly handle: Handle;
  readonly kind: DatumKind;
  readonly direction: Direction;
  /** Path on this agent (COMPSs's REST dialect can name no other place). */
  readonly path: string;
}

/** Stands for `accesses[index]` in an argument list. */
export class DatumMarker {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

/** A startApplication request as the runtime needs it. */
export interface PreparedCall {
  readonly element: CoreElement;
  /** Positional arguments, with a `DatumMarker` where a datum goes. */
  readonly args: readonly unknown[];
  readonly data: readonly DatumParameter[];
  readonly accesses: readonly Access[];
  readonly returns: readonly Handle[];
}

const EXECUTABLE: ReadonlySet<string> = new Set<Language>(['JS', 'PYTHON', 'JAVA', 'BINARY', 'CONTAINER']);

/** Checks the request and lays out arguments, accesses and handles. Throws ERR_REQUEST_INVALID naming the field. */
export function prepareCall(request: StartApplication): PreparedCall {
  const language = request.language;
  if (!EXECUTABLE.has(language)) {
    throw new RuntimeError('ERR_REQUEST_INVALID', {
      field: 'lang',
      reason: `this agent cannot run ${language} functions`,
    });
  }
  const data: DatumParameter[] = [];
  const args = request.parameters.map((parameter) => argumentOf(parameter, data));
  const accesses = data.map(({ handle, direction, kind, parameter }) => ({
    handle,
    direction,
    kind,
    ...(parameter.weight === undefined ? {} : { weight: parameter.weight }),
    ...(parameter.keepRename === undefined ? {} : { keepRename: parameter.keepRename }),
  }));
  const returns = Array.from(
    { length: Math.max(1, request.results.length) },
    (_, index) => (data.length + index) as Handle,
  );
  return { element: elementOf(request, language as Language), args, data, accesses, returns };
}

function elementOf(request: StartApplication, language: Language): CoreElement {
  const types = request.parameters.map((parameter) => parameter.type).join(',');
  return {
    signature: `${request.className}#${request.methodName}(${types})`,
    implementations: [
      {
        language,
        module: request.className,
        method: request.methodName,
        ...(request.constraints === undefined ? {} : { constraints: request.constraints }),
        ...(request.settings === undefined ? {} : { settings: request.settings }),
      },
    ],
  };
}

function argumentOf(parameter: Parameter, data: DatumParameter[]): unknown {
  if (parameter.type === 'FILE_T' || parameter.type === 'DIRECTORY_T') {
    const index = data.length;
    data.push({
      parameter,
      handle: index as Handle,
      kind: parameter.type === 'FILE_T' ? 'file' : 'directory',
      direction: parameter.direction,
      path: pathOf(parameter),
    });
    return new DatumMarker(index);
  }
  if (parameter.direction === 'OUT' || parameter.direction === 'INOUT') {
    throw new RuntimeError('ERR_REQUEST_INVALID', {
      field: `parameters[${parameter.index}].direction`,
      reason: `${parameter.direction} is possible for FILE_T and DIRECTORY_T; return other values instead`,
    });
  }
  return parameter.value === undefined ? undefined : plain(parameter.value);
}

function pathOf(parameter: Parameter): string {
  const value = parameter.value?.form === 'element' ? parameter.value.value : undefined;
  if (typeof value === 'string' && value.startsWith('/')) return value;
  throw new RuntimeError('ERR_REQUEST_INVALID', {
    field: `parameters[${parameter.index}].value`,
    reason: 'an absolute path on the agent is needed',
  });
}

function plain(value: ParameterValue): PlainValue | unknown[] {
  return value.form === 'element' ? value.value : value.values.map(plain);
}
