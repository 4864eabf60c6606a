/**
 * The one way a benchmark measures and reports: the measured thing and its baseline run in the same process, one after
 * the other (A B A B …), so that what the machine does meanwhile meets both. Reports medians, and the ratio of each pair.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Benchmark {
  /** File name of the result and, up to the first `/` or `-`, id of the budget in performance.md 3. */
  readonly name: string;
  readonly unit: string;
  /** What the baseline is, for the reader of the result. */
  readonly baselineName: string;
  /** One sample: returns the figure in `unit`. */
  readonly measure: () => number | Promise<number>;
  /** One sample of the baseline, in the same unit. */
  readonly baseline: () => number | Promise<number>;
  /** Pairs; at least 7, default 9. */
  readonly samples?: number;
  /** Pairs thrown away first; default 1. */
  readonly warmUps?: number;
  /** Further figures of the last sample (bytes, counts). */
  readonly details?: () => Readonly<Record<string, number | string>>;
}

export interface BenchmarkResult {
  readonly name: string;
  readonly unit: string;
  /** Medians. */
  readonly value: number;
  readonly baseline: number;
  readonly baselineName: string;
  /** Median, least and greatest of value / baseline over the pairs. */
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  readonly samples: readonly { readonly value: number; readonly baseline: number }[];
  readonly details?: Readonly<Record<string, number | string>>;
  readonly machine: string;
  /** Load average of the last minute at the end: others may have used the machine too. */
  readonly load: number;
  readonly node: string;
  readonly date: string;
}

const LEAST_SAMPLES = 7;
const resultsFolder = join(import.meta.dirname, '..', 'results');

/** Measures, writes `bench/results/<name>.json` and prints the same. */
export async function benchmark(options: Benchmark): Promise<BenchmarkResult> {
  const pairs = Math.max(LEAST_SAMPLES, options.samples ?? 9);
  for (let warmUp = 0; warmUp < (options.warmUps ?? 1); warmUp++) await pair(options);
  const samples: { value: number; baseline: number }[] = [];
  for (let sample = 0; sample < pairs; sample++) samples.push(await pair(options));
  const ratios = samples.map((sample) => sample.value / sample.baseline);
  return report({
    name: options.name,
    unit: options.unit,
    value: median(samples.map((sample) => sample.value)),
    baseline: median(samples.map((sample) => sample.baseline)),
    baselineName: options.baselineName,
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    samples,
    ...(options.details === undefined ? {} : { details: options.details() }),
    machine: machine(),
    load: loadavg()[0] ?? 0,
    node: process.version,
    date: new Date().toISOString(),
  });
}

async function pair(options: Benchmark): Promise<{ value: number; baseline: number }> {
  const value = await options.measure();
  return { value, baseline: await options.baseline() };
}

function report(result: BenchmarkResult): BenchmarkResult {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(join(resultsFolder, `${result.name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  const { name, unit, value, baseline, baselineName, ratio, ratioMin, ratioMax } = result;
  console.log(
    `${name}: ${format(value)} ${unit}; ${baselineName}: ${format(baseline)} ${unit}; ` +
      `ratio ${ratio.toFixed(3)} (${ratioMin.toFixed(3)} to ${ratioMax.toFixed(3)}, ${result.samples.length} pairs); load ${format(result.load)}`,
  );
  if (result.details !== undefined) {
    for (const [key, detail] of Object.entries(result.details)) {
      console.log(`  ${key}: ${typeof detail === 'number' ? format(detail) : detail}`);
    }
  }
  return result;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function percentile(values: readonly number[], fraction: number): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(fraction * sorted.length) - 1))]!;
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return `${availableParallelism()} x ${model} (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GiB`;
}

const format = (value: number): string =>
  value.toLocaleString('en-US', { maximumSignificantDigits: 5, minimumSignificantDigits: 1 });
