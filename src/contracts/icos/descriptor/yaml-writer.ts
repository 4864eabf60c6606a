import type { JsonObject, JsonValue } from './application.ts';

/**
 * Writes plain values as block YAML that every reader takes for the same: whatever is not plainly text under YAML 1.1 or
 * 1.2 is quoted. A descriptor's objects are written for every deployment, and this takes a tenth of the time that a
 * library needs which has to think of anchors, comments and styles.
 */
export function writeYaml(value: JsonValue): string {
  const isBlock = typeof value === 'object' && value !== null && !isEmpty(value);
  return isBlock ? `${blockOf(value, '').slice(1)}\n` : `${scalarOf(value, '')}\n`;
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;
const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

/** Begins with a line break: it follows a key or a dash. */
function blockOf(value: readonly JsonValue[] | JsonObject, indent: string): string {
  return isList(value) ? listOf(value, indent) : mapOf(value, indent);
}

function mapOf(map: JsonObject, indent: string): string {
  let text = '';
  for (const key of Object.keys(map)) text += `\n${indent}${keyOf(key)}:${memberOf(map[key] ?? null, `${indent}  `)}`;
  return text;
}

/** The first line of an element stands beside its dash. */
function listOf(list: readonly JsonValue[], indent: string): string {
  let text = '';
  for (const item of list) {
    const isBlock = typeof item === 'object' && item !== null && !isEmpty(item);
    const element = isBlock ? blockOf(item, `${indent}  `).slice(indent.length + 3) : scalarOf(item, `${indent}  `);
    text += `\n${indent}- ${element}`;
  }
  return text;
}

function memberOf(value: JsonValue, indent: string): string {
  const isBlock = typeof value === 'object' && value !== null && !isEmpty(value);
  return isBlock ? blockOf(value, indent) : ` ${scalarOf(value, indent)}`;
}

function scalarOf(value: JsonValue, indent: string): string {
  if (typeof value === 'string') return textOf(value, indent);
  if (typeof value === 'object' && value !== null) return isList(value) ? '[]' : '{}';
  return JSON.stringify(value);
}

const keyOf = (key: string): string => (isPlain(key) ? key : JSON.stringify(key));

function textOf(text: string, indent: string): string {
  if (isPlain(text)) return text;
  return isLiteral(text) ? literalOf(text, indent) : JSON.stringify(text);
}

/** Words of letters, digits and harmless signs, each beginning and ending so that nothing in them is an indicator. */
const WORDS = /^[A-Za-z/][\w./@+-]*(:[\w./@+-]+)*( [\w./@+-]+(:[\w./@+-]+)*)*$/;
/** `500m`, `3Gi`: no reader takes these for numbers. */
const QUANTITY = /^\d+(\.\d+)?(m|[KMGTPE]i)$/;
/** Booleans and null, and what the 1.1 schema of this library takes for a number without digits before the exponent. */
const RESERVED = /^(y|n|yes|no|on|off|true|false|null|e[-+]?[\d_]+)$/i;

const isPlain = (text: string): boolean => (WORDS.test(text) && !RESERVED.test(text)) || QUANTITY.test(text);

/** Several lines of printable text, the first of them not indented. */
const LITERAL =
  /^\n*[^\s][\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]*\n[\n\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/;
const LINE_SEPARATORS = /[\u2028\u2029]/;

const isLiteral = (text: string): boolean => LITERAL.test(text) && !LINE_SEPARATORS.test(text);

function literalOf(text: string, indent: string): string {
  const body = text.replace(/\n+$/, '');
  const breaks = text.length - body.length;
  const chomping = breaks === 0 ? '-' : breaks === 1 ? '' : '+';
  const lines = body.split('\n').map((line) => (line === '' ? '' : (indent || '  ') + line));
  return `|${chomping}\n${lines.join('\n')}${'\n'.repeat(Math.max(0, breaks - 1))}`;
}
