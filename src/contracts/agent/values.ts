/**
 * Values of parameters: what the declared `type` allows, what `xsi:type` and Java class names mean, and PyCOMPSs's
 * strings. Everything here gives a reason instead of throwing: the caller knows the name of the field.
 */
import type { DataType, ParameterValue, PlainValue } from './model.ts';

export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };
const good = <T>(value: T): Checked<T> => ({ ok: true, value });
const bad = (reason: string): { readonly ok: false; readonly reason: string } => ({ ok: false, reason });

type Check = (value: PlainValue) => Checked<PlainValue>;

/** What a value of each type must be. Numbers may come as text (the scripts send nothing else). */
const CHECKS: Readonly<Record<DataType, Check>> = {
  BOOLEAN_T: asBoolean,
  CHAR_T: asCharacter,
  BYTE_T: (value) => asInteger(value, 8n),
  SHORT_T: (value) => asInteger(value, 16n),
  INT_T: (value) => asInteger(value, 32n),
  LONG_T: (value) => asInteger(value, 64n),
  FLOAT_T: asReal,
  DOUBLE_T: asReal,
  STRING_T: asText,
  STRING_64_T: asText,
  FILE_T: asPath,
  OBJECT_T: good,
  PSCO_T: asText,
  EXTERNAL_PSCO_T: asText,
  BINDING_OBJECT_T: good,
  WCHAR_T: asCharacter,
  WSTRING_T: asText,
  LONGLONG_T: (value) => asInteger(value, 64n),
  VOID_T: () => good(null),
  ANY_T: good,
  ARRAY_CHAR_T: asText,
  ARRAY_BYTE_T: (value) => asList(value, (item) => asInteger(item, 8n)),
  ARRAY_SHORT_T: (value) => asList(value, (item) => asInteger(item, 16n)),
  ARRAY_INT_T: (value) => asList(value, (item) => asInteger(item, 32n)),
  ARRAY_LONG_T: (value) => asList(value, (item) => asInteger(item, 64n)),
  ARRAY_FLOAT_T: (value) => asList(value, asReal),
  ARRAY_DOUBLE_T: (value) => asList(value, asReal),
  COLLECTION_T: (value) => asList(value, good),
  DICT_COLLECTION_T: asDictionary,
  STREAM_T: good,
  EXTERNAL_STREAM_T: asText,
  ENUM_T: good,
  NULL_T: () => good(null),
  DIRECTORY_T: asPath,
};

/** Types whose parameters may come without a value even when they are read. */
const VALUELESS: ReadonlySet<DataType> = new Set(['VOID_T', 'NULL_T', 'OBJECT_T', 'ANY_T']);
export const needsValue = (type: DataType): boolean => !VALUELESS.has(type);

/** The value as the type wants it: numbers from text, bigint only beyond 2^53. */
export function checkValue(type: DataType, value: PlainValue): Checked<PlainValue> {
  const checked = CHECKS[type](value);
  return checked.ok ? checked : bad(`${checked.reason}, as ${type} asks for`);
}

function asBoolean(value: PlainValue): Checked<boolean> {
  if (typeof value === 'boolean') return good(value);
  if (value === 'true' || value === 'false') return good(value === 'true');
  return bad('must be true or false');
}

function asCharacter(value: PlainValue): Checked<string> {
  return typeof value === 'string' && [...value].length === 1 ? good(value) : bad('must be one character');
}

function asText(value: PlainValue): Checked<string> {
  return typeof value === 'string' ? good(value) : bad('must be a string');
}

function asPath(value: PlainValue): Checked<string> {
  if (typeof value !== 'string' || value === '') return bad('must be a path');
  return value.includes('\0') ? bad('must not hold a NUL character') : good(value);
}

function asInteger(value: PlainValue, bits: bigint): Checked<number | bigint> {
  const integer = toBigInt(value);
  if (integer === undefined) return bad('must be an integer');
  const bound = 1n << (bits - 1n);
  if (integer < -bound || integer >= bound) return bad(`must fit in ${bits} bits`);
  return good(narrow(integer));
}

function toBigInt(value: PlainValue): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && /^[+-]?\d{1,20}$/.test(value.trim())
    ? BigInt(value.trim().replace(/^\+/, ''))
    : undefined;
}

const narrow = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

const SPECIAL_REALS: ReadonlyMap<string, number> = new Map([
  ['INF', Number.POSITIVE_INFINITY],
  ['+INF', Number.POSITIVE_INFINITY],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-INF', Number.NEGATIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['NaN', Number.NaN],
]);

function asReal(value: PlainValue): Checked<number> {
  if (typeof value === 'number') return good(value);
  if (typeof value === 'bigint') return good(Number(value));
  const text = typeof value === 'string' ? value.trim() : '';
  const special = SPECIAL_REALS.get(text);
  if (special !== undefined) return good(special);
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? good(Number(text)) : bad('must be a number');
}

function asList(value: PlainValue, check: Check): Checked<readonly PlainValue[]> {
  if (!Array.isArray(value)) return bad('must be an array');
  const items: PlainValue[] = [];
  for (const [index, item] of (value as readonly PlainValue[]).entries()) {
    const checked = check(item);
    if (!checked.ok) return bad(`element ${index} ${checked.reason}`);
    items.push(checked.value);
  }
  return good(items);
}

function asDictionary(value: PlainValue): Checked<PlainValue> {
  const pairs = Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2);
  return pairs || isRecord(value) ? good(value) : bad('must be an object or an array of pairs');
}

const isRecord = (value: PlainValue): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value without its Java classes. */
export function plainValue(value: ParameterValue): PlainValue {
  return value.form === 'element' ? value.value : value.values.map(plainValue);
}

// ------------------------------------------------------------------------------------------------ xsi:type

interface XsdType {
  readonly classNames: readonly string[];
  readonly check: Check;
}

const xsd = (javaClass: string, primitive: string, check: Check): XsdType => ({
  classNames: [javaClass, primitive],
  check,
});

/** Local names of XML Schema's types, with the Java classes that JAXB makes of them. */
const XSD_TYPES: ReadonlyMap<string, XsdType> = new Map([
  ['string', xsd('java.lang.String', 'String', asText)],
  ['boolean', xsd('java.lang.Boolean', 'boolean', (value) => asBoolean(trimmedBoolean(value)))],
  ['byte', xsd('java.lang.Byte', 'byte', (value) => asInteger(value, 8n))],
  ['short', xsd('java.lang.Short', 'short', (value) => asInteger(value, 16n))],
  ['int', xsd('java.lang.Integer', 'int', (value) => asInteger(value, 32n))],
  ['long', xsd('java.lang.Long', 'long', (value) => asInteger(value, 64n))],
  ['float', xsd('java.lang.Float', 'float', asReal)],
  ['double', xsd('java.lang.Double', 'double', asReal)],
]);

const trimmedBoolean = (value: PlainValue): PlainValue =>
  typeof value === 'string' ? value.trim().replace(/^1$/, 'true').replace(/^0$/, 'false') : value;

/** `xs:int` and text to a value. `type` may have a namespace prefix. */
export function valueOfXsdType(type: string | undefined, text: string): Checked<PlainValue> {
  if (type === undefined) return bad('has no xsi:type (write xsi:type="xs:string", "xs:int", …)');
  const known = XSD_TYPES.get(localName(type));
  if (known === undefined) return bad(`has the unknown xsi:type ${type}; known: ${[...XSD_TYPES.keys()].join(', ')}`);
  const checked = known.check(text);
  return checked.ok ? checked : bad(`${checked.reason}, as ${type} asks for`);
}

/** A class that differs from the value's own would name a persistent object in COMPSs; only PSCO types may do that. */
export function checkClassName(className: string, xsdType: string): Checked<string> {
  const own = XSD_TYPES.get(localName(xsdType))?.classNames ?? [];
  return own.includes(className)
    ? good(className)
    : bad(`${className} does not go with ${xsdType}; use ${own[0] ?? '?'}`);
}

const localName = (type: string): string => type.slice(type.indexOf(':') + 1);

/** The `xsi:type` and class that a value is written with. Undefined: XML has no form for it. */
export function xsdTypeOf(value: PlainValue): { readonly type: string; readonly className: string } | undefined {
  if (typeof value === 'string') return { type: 'xs:string', className: 'java.lang.String' };
  if (typeof value === 'boolean') return { type: 'xs:boolean', className: 'java.lang.Boolean' };
  if (typeof value === 'bigint') return { type: 'xs:long', className: 'java.lang.Long' };
  if (typeof value !== 'number') return undefined;
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return { type: 'xs:double', className: 'java.lang.Double' };
  if (value === (value | 0)) return { type: 'xs:int', className: 'java.lang.Integer' };
  return { type: 'xs:long', className: 'java.lang.Long' };
}

/** XML Schema's spelling of a number. */
export function xsdText(value: PlainValue): string {
  if (value === Number.POSITIVE_INFINITY) return 'INF';
  if (value === Number.NEGATIVE_INFINITY) return '-INF';
  return Object.is(value, -0) ? '-0' : String(value);
}

// ------------------------------------------------------------------------------------------------ PyCOMPSs

/** COMPSs sends Python strings as base64 of `#` and the text, so that an empty one is not lost. */
export function decodeString64(text: string): Checked<string> {
  const compact = text.replace(/\s/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(compact)) {
    return bad('must be base64 for PYTHON');
  }
  const decoded = Buffer.from(compact, 'base64').toString('utf8');
  return good(decoded.startsWith('#') ? decoded.slice(1) : decoded);
}

export const encodeString64 = (text: string): string => Buffer.from(`#${text}`, 'utf8').toString('base64');
