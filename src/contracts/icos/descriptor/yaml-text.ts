import { type Document, parseAllDocuments, type Tags } from 'yaml';
import { RuntimeError } from '../../../common/errors.ts';
import type { JsonObject } from './application.ts';
import { invalidDescriptor } from './issues.ts';
import { jsonDocuments } from './json-value.ts';
import type { DescriptorLimits } from './limits.ts';
import { isObject, YamlReader } from './yaml-value.ts';

/** A document with the text it came from. */
export interface DescriptorDocument {
  readonly value: JsonObject;
  readonly source: string;
}

/**
 * Reads YAML as Kubernetes does: 1.1 booleans, octals and merge keys, but neither sexagesimal numbers (`22:22` is a
 * port mapping) nor timestamps.
 */
const withoutSurprises = (tags: Tags): Tags =>
  tags.filter((tag) => {
    if (typeof tag === 'string') return tag !== 'timestamp' && tag !== 'intTime' && tag !== 'floatTime';
    return tag.tag !== 'tag:yaml.org,2002:timestamp' && tag.format !== 'TIME';
  });

export function parseYamlDocuments(text: string, limits: DescriptorLimits): readonly DescriptorDocument[] {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.maxBytes) {
    throw new RuntimeError('ERR_DESCRIPTOR_TOO_LARGE', { bytes, limit: limits.maxBytes });
  }
  const asJson = parseJsonText(text, limits);
  if (asJson !== undefined) return asJson;
  const reader = new YamlReader(limits);
  const documents = composed(text).filter((document) => document.contents !== null);
  if (documents.length === 0) throw invalidDescriptor('(document)', 'is empty');
  if (documents.length > limits.maxDocuments) {
    throw invalidDescriptor('(document)', `has more than ${limits.maxDocuments} documents`);
  }
  return documents.map((document) => {
    rejectSyntaxErrors(document);
    const value = reader.read(document);
    if (!isObject(value)) throw invalidDescriptor('(document)', 'is not a map');
    return { value, source: sourceOf(document, text) };
  });
}

/** JSON is YAML, and some ten times faster read as what it is: that is what other services send. */
function parseJsonText(text: string, limits: DescriptorLimits): readonly DescriptorDocument[] | undefined {
  if (!text.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return jsonDocuments(value, limits);
}

function composed(text: string): readonly Document[] {
  try {
    const documents = parseAllDocuments(text, {
      version: '1.1',
      customTags: withoutSurprises,
      uniqueKeys: false,
      prettyErrors: true,
      logLevel: 'silent',
    });
    return Array.isArray(documents) ? documents : [];
  } catch (thrown) {
    // The composer is recursive: text nested some thousand levels deep ends the stack.
    if (thrown instanceof RangeError) throw invalidDescriptor('(document)', 'is nested too deeply');
    throw thrown;
  }
}

function rejectSyntaxErrors(document: Document): void {
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem === undefined) return;
  const [start] = problem.linePos ?? [];
  const place = start === undefined ? '(document)' : `line ${start.line}, column ${start.col}`;
  throw invalidDescriptor(place, problem.message.split(/ at line \d|\n/)[0] ?? problem.code);
}

function sourceOf(document: Document, text: string): string {
  const range = document.contents?.range;
  return range === null || range === undefined ? text : text.slice(range[0], range[2]);
}
