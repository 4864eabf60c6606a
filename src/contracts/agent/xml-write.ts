/** Bodies as COMPSs's Java client would marshal them: children in alphabetical order, absent fields left out. */

import { RuntimeError } from '../../common/errors.ts';
import type {
  DataType,
  EndApplication,
  NewResource,
  NodeDescription,
  Parameter,
  ParameterValue,
  PlainValue,
  ProcessorDescription,
  StartApplication,
} from './model.ts';
import { UNASSIGNED_TEXT } from './unassigned.ts';
import { encodeString64, xsdText, xsdTypeOf } from './values.ts';
import { escapeXml } from './xml.ts';

const HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
const XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"';

type Content = string | number | boolean | undefined;

/** A leaf; nothing when absent. */
const leaf = (name: string, content: Content): string =>
  content === undefined ? '' : `<${name}>${escapeXml(String(content))}</${name}>`;
const wrap = (name: string, content: string, attributes = ''): string => `<${name}${attributes}>${content}</${name}>`;
const leaves = (name: string, contents: readonly string[] | undefined): string =>
  (contents ?? []).map((content) => leaf(name, content)).join('');

// ------------------------------------------------------------------------------------------------ applications

export function writeStartApplication(request: StartApplication): string {
  const python = request.language === 'PYTHON';
  const parameters = request.parameters.map((parameter) => writeParameter('params', parameter, python)).join('');
  const body =
    leaf('ceiClass', request.ceiClass) +
    leaf('className', request.className) +
    leaf('hasResult', request.hasResult) +
    leaf('lang', request.language) +
    leaf('methodName', request.methodName) +
    (request.parameters.length === 0 ? '' : wrap('parameters', parameters)) +
    writeEnding(request) +
    leaf('serviceInstanceId', request.serviceInstanceId) +
    writeHook('prolog', request.prolog) +
    writeHook('epilog', request.epilog) +
    (request.target === undefined ? '' : writeParameter('target', request.target, python));
  return HEADER + wrap('startApplication', body);
}

function writeEnding({ action, orchestrator }: StartApplication): string {
  if (orchestrator !== undefined) {
    const { host, operation } = orchestrator;
    return wrap('orchestrator', leaf('host', host) + leaf('method', 'PUT') + leaf('operation', operation));
  }
  if (action === undefined) return '';
  const forward = action.forwardTo.length === 0 ? '' : wrap('forwardTo', leaves('agent', action.forwardTo));
  return wrap('action', leaf('actionName', action.name) + forward);
}

function writeHook(name: string, hook: StartApplication['prolog']): string {
  if (hook === undefined) return '';
  const { binary, failByExitValue, params } = hook;
  return wrap(name, leaf('binary', binary) + leaf('failByExitValue', failByExitValue) + leaf('params', params));
}

function writeParameter(tag: string, parameter: Parameter, python: boolean): string {
  const id = ` paramId="${parameter.index}"`;
  const body =
    leaf('contentType', parameter.contentType ?? '') +
    leaf('direction', parameter.direction) +
    leaf('keepRename', parameter.keepRename) +
    leaf('paramName', parameter.name ?? '') +
    leaf('prefix', parameter.prefix ?? '') +
    leaf('stdIOStream', parameter.stream) +
    leaf('type', parameter.type) +
    leaf('weight', parameter.weight) +
    (parameter.value === undefined ? '' : writeValue(parameter.value, id, { type: parameter.type, python }));
  return wrap(tag, body, id);
}

interface ValueContext {
  readonly type: DataType;
  readonly python: boolean;
}

function writeValue(value: ParameterValue, id: string, context: ValueContext): string {
  if (value.form === 'array') return writeArray(value, id, context);
  if (Array.isArray(value.value)) return writeArray(asArray(value.value as readonly PlainValue[]), id, context);
  const python = context.python && context.type === 'STRING_64_T' && typeof value.value === 'string';
  const content = python ? encodeString64(value.value as string) : value.value;
  const xsd = writtenType(content, context.type);
  const attributes = ` ${XSI} ${XS} xsi:type="${xsd.type}"`;
  const className = leaf('className', value.className ?? xsd.className);
  return wrap('element', className + wrap('value', escapeXml(xsdText(content)), attributes), id);
}

type ArrayValue = Extract<ParameterValue, { form: 'array' }>;

const asArray = (values: readonly PlainValue[]): ArrayValue => ({
  form: 'array',
  values: values.map((value) => (Array.isArray(value) ? asArray(value) : { form: 'element', value })),
});

function writeArray(array: ArrayValue, id: string, context: ValueContext): string {
  const inner = { ...context, type: ELEMENT_TYPES.get(context.type) ?? context.type };
  const values = array.values.map((value, index) => writeValue(value, ` paramId="${index}"`, inner)).join('');
  return wrap('array', leaf('componentClassname', array.componentClassName) + wrap('values', values), id);
}

const ELEMENT_TYPES: ReadonlyMap<DataType, DataType> = new Map([
  ['ARRAY_BYTE_T', 'BYTE_T'],
  ['ARRAY_SHORT_T', 'SHORT_T'],
  ['ARRAY_INT_T', 'INT_T'],
  ['ARRAY_LONG_T', 'LONG_T'],
  ['ARRAY_FLOAT_T', 'FLOAT_T'],
  ['ARRAY_DOUBLE_T', 'DOUBLE_T'],
]);

const NUMBER_TYPES: ReadonlyMap<DataType, { readonly type: string; readonly className: string }> = new Map([
  ['BYTE_T', { type: 'xs:byte', className: 'java.lang.Byte' }],
  ['SHORT_T', { type: 'xs:short', className: 'java.lang.Short' }],
  ['INT_T', { type: 'xs:int', className: 'java.lang.Integer' }],
  ['LONG_T', { type: 'xs:long', className: 'java.lang.Long' }],
  ['LONGLONG_T', { type: 'xs:long', className: 'java.lang.Long' }],
  ['FLOAT_T', { type: 'xs:float', className: 'java.lang.Float' }],
  ['DOUBLE_T', { type: 'xs:double', className: 'java.lang.Double' }],
]);

function writtenType(value: PlainValue, type: DataType): { readonly type: string; readonly className: string } {
  const numeric = typeof value === 'number' || typeof value === 'bigint';
  const found = (numeric ? NUMBER_TYPES.get(type) : undefined) ?? xsdTypeOf(value);
  if (found !== undefined) return found;
  const reason = 'an object or null has no form in the XML of COMPSs; send JSON';
  throw new RuntimeError('ERR_REQUEST_INVALID', { field: 'value', reason });
}

export function writeEndApplication(end: EndApplication): string {
  const { profile } = end;
  const times =
    leaf('executionEnd', profile?.executionEnd) +
    leaf('executionStart', profile?.executionStart) +
    leaf('taskEnd', profile?.taskEnd) +
    leaf('taskSubmitted', profile?.taskSubmitted);
  const results = end.results.map((locations) => wrap('results', leaves('locations', locations))).join('');
  const body = leaf('endStatus', end.endStatus) + leaf('jobId', end.jobId);
  return HEADER + wrap('endApplication', body + (profile === undefined ? '' : wrap('profile', times)) + results);
}

// ------------------------------------------------------------------------------------------------ resources

export function writeNewResource(resource: NewResource): string {
  const body =
    leaf('adaptor', resource.adaptor) +
    wrap('description', writeDescription(resource.description)) +
    leaf('name', resource.name) +
    writeProperties('projectConf', 'ExternalAdaptorProperties', resource.projectProperties) +
    writeProperties('resourceConf', 'ResourcesExternalAdaptorProperties', resource.resourceProperties);
  return HEADER + wrap('newResource', wrap('externalResource', body));
}

function writeProperties(name: string, type: string, properties: Readonly<Record<string, string>>): string {
  const entries = Object.entries(properties);
  if (entries.length === 0) return '';
  const content = entries.map(([key, value]) => wrap('Property', leaf('Name', key) + leaf('Value', value))).join('');
  return wrap(name, content, ` ${XSI} xsi:type="${type}"`);
}

const real = (value: number | undefined): number | string => value ?? '-1.0';
const word = (value: string | undefined): string => value ?? UNASSIGNED_TEXT;

function writeDescription(description: NodeDescription): string {
  const os = description.operatingSystem;
  return (
    leaves('appSoftware', description.software) +
    leaves('hostQueues', description.hostQueues) +
    leaf('memorySize', real(description.memoryGb)) +
    leaf('memoryType', word(description.memoryType)) +
    leaf('operatingSystemDistribution', word(os?.distribution)) +
    leaf('operatingSystemType', word(os?.type)) +
    leaf('operatingSystemVersion', word(os?.version)) +
    leaf('pricePerUnit', real(description.pricePerHour)) +
    leaf('priceTimeUnit', description.pricePerHour === undefined ? -1 : 60) +
    wrap('processors', description.processors.map(writeProcessor).join('')) +
    leaf('storageBW', description.storageBandwidth ?? -1) +
    leaf('storageSize', real(description.storageGb)) +
    leaf('storageType', word(description.storageType)) +
    leaf('value', '0.0') +
    leaf('wallClockLimit', description.wallClockLimitMinutes ?? -1)
  );
}

function writeProcessor(processor: ProcessorDescription): string {
  const [property] = Object.entries(processor.properties ?? {});
  const body =
    leaf('architecture', word(processor.architecture)) +
    leaf('computingUnits', processor.units) +
    leaf('internalMemory', real(processor.internalMemoryGb)) +
    leaf('name', processor.name) +
    leaf('propName', word(property?.[0])) +
    leaf('propValue', word(property?.[1])) +
    leaf('speed', real(processor.speed)) +
    leaf('type', processor.type);
  return wrap('processor', body);
}
