/** Arguments of a call as they are typed on a command line. */

import { resolve } from 'node:path';
import type { DataType, Parameter, ParameterDirection, PlainValue } from '../contracts/agent/model.ts';
import { usageError } from './exit.ts';

const FILE_DIRECTIONS: ReadonlyMap<string, ParameterDirection> = new Map([
  ['in', 'IN'],
  ['out', 'OUT'],
  ['inout', 'INOUT'],
]);

/**
 * `@path` is a file that is read, `@out:path` and `@inout:path` one that is written; numbers, true, false, and JSON
 * arrays and objects are what they look like; the rest is text. With `asText` everything is text.
 */
export function parseParameter(word: string, index: number, { asText, cwd }: ReadOptions): Parameter {
  const given = asText ? { type: 'STRING_T' as const, value: word, direction: 'IN' as const } : readWord(word, cwd);
  const { type, value, direction } = given;
  return { index, direction, type, stream: 'UNSPECIFIED', value: { form: 'element', value } };
}

interface ReadOptions {
  readonly asText: boolean;
  /** Relative paths start here: the agent wants them absolute. */
  readonly cwd: string;
}

interface Given {
  readonly type: DataType;
  readonly value: PlainValue;
  readonly direction: ParameterDirection;
}

function readWord(word: string, cwd: string): Given {
  if (word.startsWith('@@')) return { type: 'STRING_T', value: word.slice(1), direction: 'IN' };
  if (word.startsWith('@')) return readFile(word.slice(1), cwd);
  const value = readJson(word);
  return { ...typeOf(value, word), direction: 'IN' };
}

function readFile(text: string, cwd: string): Given {
  const match = /^(in|out|inout):(.*)$/s.exec(text);
  const path = match?.[2] ?? text;
  if (path === '') throw usageError('@ must be followed by the path of a file; write @@ for text that starts with @');
  return { type: 'FILE_T', value: resolve(cwd, path), direction: FILE_DIRECTIONS.get(match?.[1] ?? 'in') ?? 'IN' };
}

/** Undefined when the word is plain text. */
function readJson(word: string): PlainValue | undefined {
  if (!/^(?:-?\d|[[{]|true$|false$|null$)/.test(word)) return undefined;
  try {
    return JSON.parse(word) as PlainValue;
  } catch {
    return undefined;
  }
}

function typeOf(value: PlainValue | undefined, word: string): { readonly type: DataType; readonly value: PlainValue } {
  if (typeof value === 'boolean') return { type: 'BOOLEAN_T', value };
  if (typeof value === 'object') return { type: 'OBJECT_T', value };
  if (typeof value !== 'number') return { type: 'STRING_T', value: word };
  if (/^-?\d{1,19}$/.test(word) && !Number.isSafeInteger(value)) return { type: 'LONG_T', value: BigInt(word) };
  if (!Number.isInteger(value) || !/^-?\d+$/.test(word)) return { type: 'DOUBLE_T', value };
  return { type: value === (value | 0) ? 'INT_T' : 'LONG_T', value };
}
