/** Bodies in the JSON of annex 6.1.4, as plain objects for `JSON.stringify`. */
import type {
  EndApplication,
  NewResource,
  NodeDescription,
  Parameter,
  ParameterValue,
  PlainValue,
  ReduceResource,
  StartApplication,
} from './model.ts';
import { outputsJson, taskJson } from './task-schema.ts';
import { encodeString64 } from './values.ts';

/** A plain object for `JSON.stringify`: no bigint left in it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** 64-bit integers travel as decimal strings: LONG_T reads them back. */
function jsonValue(value: PlainValue): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, jsonValue(entry)]));
}

export function jsonStartApplication(request: StartApplication): JsonObject {
  const python = request.language === 'PYTHON';
  const { settings, constraints, target, orchestrator, action } = request;
  return {
    lang: request.language,
    className: request.className,
    methodName: request.methodName,
    ceiClass: request.ceiClass,
    serviceInstanceId: request.serviceInstanceId,
    hasResult: request.hasResult,
    Parameters: request.parameters.map((parameter) => jsonParameter(parameter, python)),
    Target: target === undefined ? undefined : jsonParameter(target, python),
    Results: request.results.length === 0 ? undefined : request.results.map((result) => jsonParameter(result, python)),
    prolog: request.prolog,
    epilog: request.epilog,
    action: action === undefined ? undefined : { actionName: action.name, forwardTo: action.forwardTo },
    orchestrator: orchestrator === undefined ? undefined : { ...orchestrator, method: 'PUT' },
    settings: settings === undefined ? undefined : jsonValue(settings),
    constraints: constraints === undefined ? undefined : jsonDescription(constraints),
    timeOutMs: request.timeOutMs,
    task: request.task === undefined ? undefined : taskJson(request.task),
  };
}

function jsonParameter(parameter: Parameter, python: boolean): JsonObject {
  return {
    paramId: parameter.index,
    paramName: parameter.name,
    type: parameter.type,
    direction: parameter.direction,
    prefix: parameter.prefix,
    stdIOStream: parameter.stream,
    contentType: parameter.contentType,
    weight: parameter.weight,
    keepRename: parameter.keepRename,
    ...(parameter.value === undefined
      ? {}
      : jsonParameterValue(parameter.value, python && parameter.type === 'STRING_64_T')),
  };
}

function jsonParameterValue(value: ParameterValue, encode: boolean): JsonObject {
  if (value.form === 'array') return { array: jsonArray(value) };
  const content = encode && typeof value.value === 'string' ? encodeString64(value.value) : jsonValue(value.value);
  if (value.className === undefined) return { value: content };
  return { element: { className: value.className, value: content } };
}

const jsonArray = (value: Extract<ParameterValue, { form: 'array' }>): JsonObject => ({
  componentClassname: value.componentClassName,
  values: value.values.map((item) =>
    item.form === 'array'
      ? { array: jsonArray(item) }
      : { element: { className: item.className, value: jsonValue(item.value) } },
  ),
});

export function jsonNewResource(resource: NewResource): JsonObject {
  return {
    name: resource.name,
    adaptor: resource.adaptor,
    description: jsonDescription(resource.description),
    projectConf: jsonProperties(resource.projectProperties),
    resourcesConf: jsonProperties(resource.resourceProperties),
  };
}

export const jsonReduceResource = (request: ReduceResource): JsonObject => ({
  workerName: request.name,
  resources: jsonDescription(request.description),
});

const jsonProperties = (properties: Readonly<Record<string, string>>): readonly JsonObject[] =>
  Object.entries(properties).map(([Name, Value]) => ({ Name, Value }));

function jsonDescription(description: NodeDescription): JsonObject {
  return {
    processors: description.processors.map(jsonProcessor),
    memory_size: description.memoryGb,
    memory_type: description.memoryType,
    storage_size: description.storageGb,
    storage_type: description.storageType,
    storage_bandwith: description.storageBandwidth,
    operatingSystemType: description.operatingSystem?.type,
    operatingSystemDistribution: description.operatingSystem?.distribution,
    operatingSystemVersion: description.operatingSystem?.version,
    appSoftware: description.software,
    hostQueues: description.hostQueues,
    wallClockLimit: description.wallClockLimitMinutes,
    ...(description.pricePerHour === undefined ? {} : { pricePerUnit: description.pricePerHour, priceTimeUnit: 60 }),
  };
}

function jsonProcessor(processor: NodeDescription['processors'][number]): JsonObject {
  const [property] = Object.entries(processor.properties ?? {});
  return {
    name: processor.name,
    type: processor.type,
    units: processor.units,
    architecture: processor.architecture,
    speed: processor.speed,
    internalMemory: processor.internalMemoryGb,
    propName: property?.[0],
    propValue: property?.[1],
  };
}

export function jsonEndApplication(end: EndApplication): JsonObject {
  return {
    jobId: end.jobId,
    endStatus: end.endStatus,
    profile: end.profile,
    results: end.results.map((locations) => ({ locations })),
    error: end.error,
    values: end.values?.map(jsonValue),
    outputs: end.outputs === undefined ? undefined : outputsJson(end.outputs),
    cancelled: end.cancelled,
    ranMs: end.ranMs,
  };
}
