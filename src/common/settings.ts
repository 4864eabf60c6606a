/**
 * Settings of a process, from one table: each has a name, a schema and a help text, and may come from a flag, an
 * environment variable or a file, in this order. Pure: who calls hands in what there is.
 */
import type { z } from 'zod';
import { RuntimeError } from './errors.ts';

/** Lists are separated by commas, paths by commas or colons. */
export type SettingKind = 'text' | 'number' | 'switch' | 'list' | 'paths';

export interface Setting<T = unknown> {
  readonly kind: SettingKind;
  readonly schema: z.ZodType<T>;
  readonly help: string;
  /** Other flags for the same thing, dashes included. */
  readonly aliases?: readonly string[];
  /** What the default is when it is not a constant; for the reference page. */
  readonly defaultHelp?: string;
}
export type SettingTable = Readonly<Record<string, Setting>>;
export type Settings<Table extends SettingTable> = {
  readonly [Key in keyof Table]: z.output<Table[Key]['schema']>;
};

type Raw = Record<string, unknown>;

/** `restPort` as `--rest-port` and `METAKERNEL_REST_PORT`. */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
export const variableOf = (key: string): string =>
  `METAKERNEL_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

export interface SettingSources {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Parsed file; keys are the names of the settings. */
  readonly file?: unknown;
}

/** Checks everything and freezes it. Throws ERR_CONFIG_INVALID that names the flag, the variable or the key. */
export function readSettings<Table extends SettingTable>(table: Table, sources: SettingSources): Settings<Table> {
  const { values, origins } = collect(table, sources);
  const settings: Raw = {};
  for (const [key, setting] of Object.entries(table)) {
    const result = setting.schema.safeParse(values[key]);
    if (!result.success) throw invalid(origins.get(key) ?? flagOf(key), result.error.issues[0]?.message ?? 'invalid');
    settings[key] = result.data;
  }
  return Object.freeze(settings) as Settings<Table>;
}

/** The value that wins for each key, and where it came from. */
function collect(
  table: SettingTable,
  { argv, env, file }: SettingSources,
): { values: Raw; origins: Map<string, string> } {
  const values: Raw = Object.create(null) as Raw;
  const origins = new Map<string, string>();
  const set = (key: string, value: unknown, origin: string): void => {
    values[key] = value;
    origins.set(key, origin);
  };
  for (const [key, value] of Object.entries(fileValues(file))) {
    if (!Object.hasOwn(table, key))
      throw invalid(key, `is no setting of the file; known: ${Object.keys(table).join(', ')}`);
    set(key, value, key);
  }
  for (const [key, setting] of Object.entries(table)) {
    const text = env[variableOf(key)];
    if (text !== undefined) set(key, fromText(setting, text, variableOf(key)), variableOf(key));
  }
  for (const { key, flag, value } of parseFlags(table, argv)) {
    const before = values[key];
    const again = Array.isArray(value) && Array.isArray(before) && origins.get(key)?.startsWith('-') === true;
    set(key, again ? [...before, ...value] : value, flag);
  }
  return { values, origins };
}

function fileValues(file: unknown): Raw {
  if (file === undefined || file === null) return {};
  if (typeof file !== 'object' || Array.isArray(file)) throw invalid('config', 'the file must hold names and values');
  return file as Raw;
}

interface Flag {
  readonly key: string;
  readonly flag: string;
  readonly value: unknown;
}

function parseFlags(table: SettingTable, argv: readonly string[]): Flag[] {
  const names = flagNames(table);
  const flags: Flag[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const [name = '', inline] = splitFlag(argv[index] ?? '');
    const key = names.get(name);
    const setting = key === undefined ? undefined : table[key];
    if (key === undefined || setting === undefined) throw invalid(name, 'is not a known flag; see --help');
    let text = inline;
    if (text === undefined && setting.kind === 'switch') text = 'true';
    if (text === undefined) {
      index += 1;
      text = argv[index];
    }
    if (text === undefined) throw invalid(name, 'needs a value');
    flags.push({ key, flag: name, value: fromText(setting, text, name) });
  }
  return flags;
}

function flagNames(table: SettingTable): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [key, setting] of Object.entries(table)) {
    for (const flag of [flagOf(key), ...(setting.aliases ?? [])]) names.set(flag, key);
  }
  return names;
}

function splitFlag(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at === -1 || !word.startsWith('-') ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function fromText(setting: Setting, text: string, origin: string): unknown {
  switch (setting.kind) {
    case 'text':
      return text;
    case 'list':
      return parts(text, ',');
    case 'paths':
      return parts(text, /[,:]/);
    case 'number':
      return numberOf(text, origin);
    case 'switch':
      return switchOf(text, origin);
  }
}

const parts = (text: string, separator: string | RegExp): string[] =>
  text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');

function numberOf(text: string, origin: string): number {
  const match = /^(-?\d+(?:\.\d+)?(?:e\d+)?)\s*(k|m|g|t)?i?b?$/i.exec(text.trim());
  if (match === null) throw invalid(origin, `${JSON.stringify(text)} is not a number`);
  const unit = ['k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase()) + 1;
  return Number(match[1]) * 1024 ** unit;
}

const ON = new Set(['true', 'yes', 'on', '1', '']);
const OFF = new Set(['false', 'no', 'off', '0']);

function switchOf(text: string, origin: string): boolean {
  const word = text.trim().toLowerCase();
  if (ON.has(word)) return true;
  if (OFF.has(word)) return false;
  throw invalid(origin, `${JSON.stringify(text)} is neither true nor false`);
}

const invalid = (key: string, reason: string): RuntimeError => new RuntimeError('ERR_CONFIG_INVALID', { key, reason });

/** Rows of the reference page and of `--help`. */
export function settingRows(table: SettingTable): {
  readonly flag: string;
  readonly variable: string;
  readonly fallback: string;
  readonly help: string;
  readonly aliases: readonly string[];
}[] {
  return Object.entries(table).map(([key, setting]) => {
    const fallback = setting.defaultHelp ?? printed(setting.schema.safeParse(undefined));
    return {
      flag: flagOf(key),
      variable: variableOf(key),
      fallback,
      help: setting.help,
      aliases: setting.aliases ?? [],
    };
  });
}

function printed(result: z.ZodSafeParseResult<unknown>): string {
  if (!result.success || result.data === undefined) return '';
  if (Array.isArray(result.data)) return result.data.join(',');
  return String(result.data);
}
