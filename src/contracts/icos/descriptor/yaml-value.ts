import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import type { JsonObject, JsonValue } from './application.ts';
import { invalidDescriptor } from './issues.ts';
import type { DescriptorLimits } from './limits.ts';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * Turns parsed YAML into plain values under limits. The library's own conversion bounds aliases only by a ratio, and
 * its check for duplicate keys compares every pair of keys of a map (34 s for 50,000 keys); both are done here in one
 * walk instead.
 */
export class YamlReader {
  readonly #limits: DescriptorLimits;
  #nodes = 0;
  #anchors = new Map<string, Node>();

  constructor(limits: DescriptorLimits) {
    this.#limits = limits;
  }

  read(document: Document): JsonValue {
    this.#anchors = new Map();
    return this.#value(document.contents as Node | null, '', 0);
  }

  #value(node: Node | null, path: string, depth: number): Json {
    this.#nodes += 1;
    if (this.#nodes > this.#limits.maxNodes) {
      throw invalidDescriptor(
        path || '(document)',
        `holds more than ${this.#limits.maxNodes} values, aliases expanded`,
      );
    }
    if (depth > this.#limits.maxDepth) {
      throw invalidDescriptor(path || '(document)', `is nested deeper than ${this.#limits.maxDepth} levels`);
    }
    if (node === null) return null;
    if (isAlias(node)) return this.#value(this.#anchored(node.source, path), path, depth + 1);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#object(node as YAMLMap<Node, Node | null>, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.#value(item as Node, `${path}[${index}]`, depth + 1));
    return isScalar(node) ? scalarValue(node, path) : null;
  }

  #anchored(name: string, path: string): Node {
    const node = this.#anchors.get(name);
    if (node === undefined) throw invalidDescriptor(path || '(document)', `refers to the unknown anchor *${name}`);
    return node;
  }

  #object(map: YAMLMap<Node, Node | null>, path: string, depth: number): Json {
    const own: Record<string, Json> = {};
    const merged: Json[] = [];
    for (const pair of map.items) {
      if (isMergeKey(pair)) merged.push(this.#value(pair.value, `${path}.<<`, depth + 1));
      else this.#member(own, pair, path, depth);
    }
    return merged.length === 0 ? own : withMerged(own, merged.flat(), path);
  }

  #member(own: Record<string, Json>, pair: Pair<Node, Node | null>, path: string, depth: number): void {
    const key = keyText(pair.key, path);
    const memberPath = path === '' ? key : `${path}.${key}`;
    if (Object.hasOwn(own, key)) throw invalidDescriptor(memberPath, 'is given twice');
    own[key] = this.#value(pair.value, memberPath, depth + 1);
  }
}

const isMergeKey = (pair: Pair<Node, Node | null>): boolean =>
  isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.source === '<<';

/** Keys keep their spelling: `on` or `y` as a key is text, whatever it would be as a value. */
function keyText(key: Node | null, path: string): string {
  if (!isScalar(key)) throw invalidDescriptor(path || '(document)', 'has a key that is not a plain value');
  const text = key.source ?? String(key.value);
  if (text === '__proto__') throw invalidDescriptor(path || '(document)', 'has a key that is reserved');
  return text;
}

/** `<<` fills in what the map does not say itself; of several sources the first wins. */
function withMerged(own: Record<string, Json>, sources: readonly Json[], path: string): Json {
  for (const source of sources) {
    if (typeof source !== 'object' || source === null || Array.isArray(source)) {
      throw invalidDescriptor(`${path}.<<`, 'merges something that is not a map');
    }
    for (const [key, value] of Object.entries(source)) if (!Object.hasOwn(own, key)) own[key] = value;
  }
  return own;
}

function scalarValue(node: Scalar, path: string): Json {
  const { value } = node;
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'number') return node.source ?? String(value);
  // The library takes `e0` for a number with an exponent and no digits.
  if (Number.isNaN(value) && /^[-+]?e/i.test(node.source ?? '')) return node.source ?? '';
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    throw invalidDescriptor(
      path || '(document)',
      `${node.source ?? value} is too large a number; quote it to keep it as text`,
    );
  }
  return value;
}

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
