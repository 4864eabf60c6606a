import { createHash } from 'node:crypto';
import { RuntimeError } from '../../common/errors.ts';
import type { Parameter, ParameterValue, PlainValue, StartApplication } from '../../contracts/agent/model.ts';
import type { Access, DatumKind, Direction } from '../../runtime/model/access.ts';
import type { CoreElement, Implementation, Language } from '../../runtime/model/core-element.ts';
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

const PROGRAMS: ReadonlySet<Language> = new Set<Language>(['BINARY', 'CONTAINER']);

function elementOf(request: StartApplication, language: Language): CoreElement {
  const settings = settingsOf(request, language);
  const types = request.parameters.map((parameter) => parameter.type).join(',');
  return {
    signature: `${request.className}#${request.methodName}(${types})${variant(language, settings)}`,
    implementations: [
      {
        language,
        module: request.className,
        method: request.methodName,
        ...(settings === undefined ? {} : { settings }),
      },
    ],
  };
}

/** Calls of one program with different settings are different core elements, never two implementations of one. */
function variant(language: Language, settings: Implementation['settings']): string {
  if (!PROGRAMS.has(language)) return '';
  const text = JSON.stringify([language, settings], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return `@${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
}

/** Programs are told what their parameters are called, which are streams, and what runs around them. */
function settingsOf(request: StartApplication, language: Language): Implementation['settings'] {
  const { prolog, epilog, parameters, settings } = request;
  if (PROGRAMS.has(language)) {
    const described = parameters.map(({ name, prefix, stream }) => ({
      stream,
      ...(name === undefined ? {} : { name }),
      ...(prefix === undefined ? {} : { prefix }),
    }));
    return {
      parameters: described,
      ...(prolog === undefined ? {} : { prolog }),
      ...(epilog === undefined ? {} : { epilog }),
      ...settings,
    };
  }
  if (prolog === undefined && epilog === undefined) return languageSettings(request);
  throw new RuntimeError('ERR_REQUEST_INVALID', {
    field: prolog === undefined ? 'epilog' : 'prolog',
    reason: `goes with BINARY and CONTAINER, not with ${language}`,
  });
}

/** What an agent of COMPSs must be told when the call goes on there: its types are finer than those of our values. */
function languageSettings({ language, ceiClass, parameters, settings }: StartApplication): Implementation['settings'] {
  if (language !== 'JAVA' && language !== 'PYTHON') return settings;
  const parameterTypes = parameters.map(({ type }) => type);
  return { parameterTypes, ...(ceiClass === undefined ? {} : { ceiClass }), ...settings };
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
