/** COMPSs's XML bodies as the JSON shape that the schemas read. One reader for each root element. */
import { RuntimeError } from '../../common/errors.ts';
import { checkClassName, valueOfXsdType } from './values.ts';
import { type BodyLimits, DEFAULT_BODY_LIMITS, parseXml, type XmlElement } from './xml.ts';
import {
  as,
  boolean,
  type Field,
  type Fields,
  invalid,
  joinPath,
  listOf,
  number,
  object,
  orAbsent,
  readObject,
  repeated,
  text,
  trimmed,
} from './xml-fields.ts';

const processor = object({
  name: trimmed,
  type: trimmed,
  architecture: trimmed,
  computingUnits: as('units', number),
  internalMemory: number,
  propName: trimmed,
  propValue: trimmed,
  speed: number,
});

const description = object({
  processors: listOf('processor', processor),
  memorySize: as('memory_size', number),
  memoryType: as('memory_type', trimmed),
  storageSize: as('storage_size', number),
  storageType: as('storage_type', trimmed),
  storageBW: as('storage_bandwidth', number),
  operatingSystemType: trimmed,
  operatingSystemDistribution: trimmed,
  operatingSystemVersion: trimmed,
  appSoftware: repeated(trimmed),
  hostQueues: repeated(trimmed),
  wallClockLimit: number,
  pricePerUnit: number,
  priceTimeUnit: number,
});

const properties = listOf('Property', object({ Name: trimmed, Value: text }));

/** NIO's own form has its settings as children instead of `Property`. */
const nioProperties: Field = {
  read: (element) =>
    element.children
      .filter((child) => child.children.length === 0)
      .map((child) => ({ Name: child.name, Value: child.text.trim() })),
};

const externalResource: Fields = {
  name: trimmed,
  description,
  adaptor: trimmed,
  projectConf: properties,
  resourceConf: properties,
};
const nioResource: Fields = { ...externalResource, projectConf: nioProperties, resourceConf: nioProperties };

/** The value goes by `xsi:type`; a class that does not fit it would be a persistent object, which only PSCO types are. */
function readElement(element: XmlElement, path: string, persistent: boolean): Record<string, unknown> {
  const value = element.children.findLast((child) => child.name === 'value');
  const className = element.children.findLast((child) => child.name === 'className')?.text.trim();
  if (value === undefined) return { className, value: null };
  const xsdType = value.attributes.get('type');
  const read = valueOfXsdType(xsdType, value.text);
  if (!read.ok) throw invalid(joinPath(path, 'value'), read.reason);
  if (className !== undefined && className !== '' && !persistent) {
    const fits = checkClassName(className, xsdType ?? '');
    if (!fits.ok) throw invalid(joinPath(path, 'className'), fits.reason);
  }
  return { className, value: read.value };
}

function readArray(element: XmlElement, path: string): Record<string, unknown> {
  const wrapper = element.children.findLast((child) => child.name === 'values');
  const items = (wrapper?.children ?? []).filter((child) => child.name === 'element' || child.name === 'array');
  return {
    componentClassname: element.children.findLast((child) => child.name === 'componentClassname')?.text.trim(),
    values: items.map((child, index) => readItem(child, `${path}.values[${index}]`)),
  };
}

const readItem = (child: XmlElement, path: string): Record<string, unknown> =>
  child.name === 'array' ? { array: readArray(child, path) } : { element: readElement(child, path, false) };

const PERSISTENT: ReadonlySet<string> = new Set(['PSCO_T', 'EXTERNAL_PSCO_T']);

/** `paramId` is left out on purpose: document order decides in XML. */
const parameter: Field = {
  read: (element, path) => {
    const type = element.children.findLast((child) => child.name === 'type')?.text.trim() ?? '';
    return readObject(element, parameterFields(PERSISTENT.has(type)), path);
  },
};

/** An empty element says nothing. */
const stream: Field = { read: (element) => element.text.trim() || undefined };

const parameterFields = (persistent: boolean): Fields => ({
  direction: trimmed,
  type: trimmed,
  stdIOStream: stream,
  prefix: text,
  paramName: trimmed,
  contentType: trimmed,
  weight: orAbsent(number),
  keepRename: orAbsent(boolean),
  element: { read: (element, path) => readElement(element, path, persistent) },
  array: { read: readArray },
});

const hook = object({ binary: trimmed, params: text, failByExitValue: boolean });

const application: Fields = {
  serviceInstanceId: trimmed,
  lang: trimmed,
  ceiClass: trimmed,
  className: trimmed,
  methodName: trimmed,
  hasResult: boolean,
  target: parameter,
  parameters: listOf('params', parameter),
  prolog: hook,
  epilog: hook,
  action: object({ actionName: trimmed, forwardTo: listOf('agent', trimmed) }),
  orchestrator: object({ host: trimmed, method: trimmed, operation: trimmed }),
};

const end: Fields = {
  jobId: trimmed,
  endStatus: trimmed,
  profile: object({ taskSubmitted: number, executionStart: number, executionEnd: number, taskEnd: number }),
  results: repeated(object({ locations: repeated(trimmed) })),
};

const worker: Fields = { workerName: trimmed };

type RootReader = (root: XmlElement) => Record<string, unknown>;
const by =
  (fields: Fields): RootReader =>
  (root) =>
    readObject(root, fields, '');

const ROOTS = {
  startApplication: (root) => lastOf(by(application)(root), root, ['action', 'orchestrator']),
  endApplication: by(end),
  newResource: readNewResource,
  reduceNode: by({ ...worker, resources: description }),
  removeNode: by(worker),
  lostNode: by(worker),
} as const satisfies Readonly<Record<string, RootReader>>;

export type XmlRoot = keyof typeof ROOTS;

/** Action and orchestrator are one property in COMPSs: the last one in the document wins. */
function lastOf(body: Record<string, unknown>, root: XmlElement, names: readonly string[]): Record<string, unknown> {
  const last = root.children.findLast((child) => names.includes(child.name))?.name;
  const losers = names.filter((name) => name !== last);
  return Object.fromEntries(Object.entries(body).filter(([key]) => !losers.includes(key)));
}

function readNewResource(root: XmlElement): Record<string, unknown> {
  const external = root.children.findLast((child) => child.name === 'externalResource');
  if (external !== undefined) return readObject(external, externalResource, 'externalResource');
  const nio = root.children.findLast((child) => child.name === 'nioResource');
  if (nio !== undefined) return readObject(nio, nioResource, 'nioResource');
  throw invalid('newResource.externalResource', 'is missing');
}

/** The JSON shape of the one body that may come here. */
export function readXmlBody(body: string, expected: XmlRoot, limits: BodyLimits = DEFAULT_BODY_LIMITS): unknown {
  const root = parseXml(body, limits);
  if (root.name !== expected) {
    const reason = `the root element must be <${expected}>, not <${root.name.slice(0, 64)}>`;
    throw new RuntimeError('ERR_REQUEST_MALFORMED', { format: 'XML', reason });
  }
  return ROOTS[expected](root);
}
