import { RuntimeError } from '../../../common/errors.ts';
import type { ProgramParameter, ProgramSettings } from './program-settings.ts';

/** What the words of a command line are made from. */
export interface Arguments {
  readonly program: string;
  readonly values: readonly unknown[];
  readonly parameters: readonly ProgramParameter[];
}

/** The words after the program. No shell sees them: a value is never split or expanded. */
export function programWords(args: ProgramSettings['args'], from: Arguments): string[] {
  if (args === undefined) return from.values.flatMap((_, position) => positional(from, position));
  return (typeof args === 'string' ? splitWords(args) : args).flatMap((word) => fillWord(word, from));
}

export const hookWords = (params: string | undefined, from: Arguments): string[] =>
  splitWords(params ?? '').flatMap((word) => fillWord(word, from));

function positional(from: Arguments, position: number): string[] {
  const { prefix = '', stream = 'UNSPECIFIED' } = from.parameters[position] ?? {};
  if (stream !== 'UNSPECIFIED') return [];
  const words = wordsOf(from, position);
  if (prefix === '') return words;
  return words.length === 1 ? [prefix + words[0]] : [prefix, ...words];
}

const PLACE = /\{\{\s*([^{}\s]+)\s*\}\}/g;
const WHOLE = /^\{\{\s*([^{}\s]+)\s*\}\}$/;

/** A word that is one place alone becomes as many words as its value has elements. */
function fillWord(word: string, from: Arguments): string[] {
  const whole = WHOLE.exec(word)?.[1];
  if (whole !== undefined) return wordsOf(from, positionOf(from, whole));
  return [word.replace(PLACE, (_, name: string) => wordsOf(from, positionOf(from, name)).join(' '))];
}

function positionOf({ program, parameters, values }: Arguments, name: string): number {
  const named = parameters.findIndex((parameter) => parameter.name === name);
  const position = named < 0 && /^\d+$/.test(name) ? Number(name) : named;
  if (position >= 0 && position < values.length) return position;
  throw new RuntimeError('ERR_PROGRAM_SETTINGS', {
    program,
    key: 'args',
    reason: `{{${name}}} is no parameter; there is ${parameters.map((parameter, i) => parameter.name ?? i).join(', ') || 'none'}`,
  });
}

function wordsOf({ program, values }: Arguments, position: number): string[] {
  const value = values[position];
  const words = (Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value]).map(wordOf);
  if (words.every((word) => word !== undefined)) return words;
  throw new RuntimeError('ERR_PARAMETER_INVALID', {
    task: program,
    position,
    reason: 'a program takes text, numbers, booleans, files, and arrays of them',
  });
}

function wordOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return undefined;
}

/** White space parts words; quotes and backslashes keep it, as in a shell, and nothing else is special. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  const pattern = /((?:\\[\s\S]|'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\{\{[^{}]*\}\}|[^\s'"\\])+)/g;
  for (const [word] of line.matchAll(pattern)) words.push(unquote(word));
  return words;
}

const unquote = (word: string): string =>
  word.replace(
    /\\([\s\S])|'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"/g,
    (_, escaped?: string, single?: string, double?: string) =>
      escaped ?? single ?? (double ?? '').replace(/\\(["\\$`])/g, '$1'),
  );
