import { type RefLookup, Unserializable, ValueWriter } from './value-writer.ts';

export interface ValueProblem {
  /** Where in the value, as in code: `value.rows[3].onClick`. */
  readonly path: string;
  readonly what: string;
}

const MAX_PATH_DEPTH = 50;

/** Finds the innermost part that cannot be written. Slow: only after writing has failed. */
export function describeProblem(value: unknown, error: unknown, refs?: RefLookup): ValueProblem {
  const writer = new ValueWriter();
  let path = 'value';
  let current = value;
  const seen = new Set<unknown>();
  while (seen.size < MAX_PATH_DEPTH && !seen.has(current)) {
    seen.add(current);
    const part = parts(current).find(([, inner]) => !writes(writer, inner, refs));
    if (part === undefined) break;
    path += part[0];
    current = part[1];
  }
  return { path, what: error instanceof Unserializable ? error.message : String(error) };
}

function writes(writer: ValueWriter, value: unknown, refs?: RefLookup): boolean {
  try {
    writer.measure(value, refs);
    return true;
  } catch {
    return false;
  }
}

function parts(value: unknown): (readonly [step: string, part: unknown])[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.map((part, i) => [`[${i}]`, part] as const);
  if (value instanceof Map) {
    return [...value].flatMap(([key, part], i) => [
      [`.keys()[${i}]`, key] as const,
      [`.get(${typeof key === 'string' ? JSON.stringify(key) : String(i)})`, part] as const,
    ]);
  }
  if (value instanceof Set) return [...value].map((part, i) => [`.values()[${i}]`, part] as const);
  return Object.keys(value).map((key) => [step(key), safeGet(value, key)] as const);
}

const step = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);

function safeGet(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}
