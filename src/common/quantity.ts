/**
 * Kubernetes quantities: `500m`, `2`, `1.5Gi`, `1e9`. A string that is none gives a reason, never a number.
 */

/** Powers of two and of ten, and the fractions `n`, `u`, `m`. */
const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The released matchmaker took `7GI` and `7gi` too, so binary suffixes match in any case; the others cannot (m, M). */
const BINARY = /^[kmgtpe]i$/i;
const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,3})|([A-Za-z]*))$/;

export type ParsedQuantity = { readonly value: number } | { readonly reason: string };

/** The number a quantity stands for, in its base unit (cores, bytes). */
export function parseQuantity(raw: string | number): ParsedQuantity {
  const text = String(raw).trim();
  const match = QUANTITY.exec(text);
  if (match === null) return { reason: explainMalformed(text) };
  const [, digits = '', exponent = '', suffix = ''] = match;
  const factor = SUFFIXES[BINARY.test(suffix) ? `${suffix[0]!.toUpperCase()}i` : suffix];
  if (factor === undefined) return { reason: `"${text}" ends in the unknown unit "${suffix}" (${knownSuffixes})` };
  const value = Number(digits + exponent) * factor;
  if (value < 0) return { reason: `"${text}" is negative` };
  if (!Number.isFinite(value) || value > 2 ** 63) return { reason: `"${text}" is out of range` };
  return { value };
}

const knownSuffixes = `known: ${Object.keys(SUFFIXES)
  .filter((suffix) => suffix !== '')
  .join(' ')}`;

function explainMalformed(text: string): string {
  if (text === '') return 'a quantity is missing';
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  if (/^\d+,\d+/.test(text)) return `"${shown}" has a comma; write a decimal point`;
  return `"${shown}" is not a quantity such as 500m, 2, 1.5Gi or 200M`;
}

/** Cores as whole millicores, rounded up as Kubernetes does. */
export function parseCpu(raw: string | number): ParsedQuantity {
  const parsed = parseQuantity(raw);
  return 'reason' in parsed ? parsed : { value: roundUp(parsed.value * 1000) };
}

/** Bytes, rounded up to a whole one. */
export function parseMemory(raw: string | number): ParsedQuantity {
  const parsed = parseQuantity(raw);
  return 'reason' in parsed ? parsed : { value: roundUp(parsed.value) };
}

/** Floating point makes 0.29 * 1000 a little more or less than 290: what is that near to an integer is it. */
function roundUp(value: number): number {
  const nearest = Math.round(value);
  return Math.abs(value - nearest) <= value * 1e-12 ? nearest : Math.ceil(value);
}

const BINARY_STEPS = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'] as const;

/** Bytes for people: the largest binary unit that leaves at least one, with at most two decimals. */
export function formatBytes(bytes: number): string {
  const unit = BINARY_STEPS.find((step) => bytes >= SUFFIXES[step]!);
  if (unit === undefined) return `${bytes}`;
  return `${Math.round((bytes / SUFFIXES[unit]!) * 100) / 100}${unit}`;
}

export const formatMillicores = (millis: number): string => (millis % 1000 === 0 ? `${millis / 1000}` : `${millis}m`);
