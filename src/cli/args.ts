/**
 * Command-line arguments. Own, because application ids are signed numbers: `status -123` names an application, and
 * Node's parseArgs takes that for an option.
 */
import { usageError } from './exit.ts';

export interface Option {
  readonly kind: 'text' | 'number' | 'switch' | 'list';
  readonly short?: string;
  readonly help: string;
}
export type Options = Readonly<Record<string, Option>>;

export type OptionValues<O extends Options> = {
  readonly [K in keyof O]: O[K]['kind'] extends 'switch'
    ? boolean
    : O[K]['kind'] extends 'list'
      ? readonly string[]
      : (O[K]['kind'] extends 'number' ? number : string) | undefined;
};

export interface Arguments<O extends Options> {
  readonly options: OptionValues<O>;
  readonly positionals: readonly string[];
}

/** Everything after `--` is positional; so is what follows the first positional when `stopAtPositional`. */
export function parseArguments<O extends Options>(
  argv: readonly string[],
  options: O,
  stopAtPositional = 0,
): Arguments<O> {
  const values: Record<string, unknown> = {};
  const positionals: string[] = [];
  for (const [name, option] of Object.entries(options)) {
    values[name] = option.kind === 'switch' ? false : option.kind === 'list' ? [] : undefined;
  }
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--' || (stopAtPositional > 0 && positionals.length >= stopAtPositional)) {
      positionals.push(...argv.slice(word === '--' ? index + 1 : index));
      break;
    }
    if (!isOption(word)) {
      positionals.push(word);
      continue;
    }
    const [flag = '', inline] = word.split(/=(.*)/s, 2);
    const [name, option] = findOption(flag, options);
    const needsNext = inline === undefined && option.kind !== 'switch';
    if (needsNext) index += 1;
    set(values, name, readOption(flag, option, needsNext ? argv[index] : inline));
  }
  return { options: values as OptionValues<O>, positionals };
}

const isOption = (word: string): boolean => /^--?[^\d.]/.test(word);

function findOption(flag: string, options: Options): [string, Option] {
  const found = Object.entries(options).find(
    ([name, { short }]) => flag === `--${dashed(name)}` || flag === `-${short ?? '-'}`,
  );
  if (found === undefined) throw usageError(`unknown option ${flag}`);
  return found;
}

export const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function readOption(flag: string, option: Option, text: string | undefined): unknown {
  if (option.kind === 'switch') return text === undefined || text === 'true';
  if (text === undefined) throw usageError(`option ${flag} needs a value`);
  if (option.kind !== 'number') return text;
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw usageError(`option ${flag} needs a number, not ${text}`);
  return number;
}

function set(values: Record<string, unknown>, name: string, value: unknown): void {
  const before = values[name];
  values[name] = Array.isArray(before) ? [...before, value] : value;
}
