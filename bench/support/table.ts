/** What was measured beside the first targets, as a table for a terminal and as a page. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { count, TARGETS, type Target } from '../targets.ts';
import type { BenchmarkResult } from './report.ts';

const folder = join(import.meta.dirname, '..', 'results');
const HEADINGS = ['benchmark', 'what', 'measured', 'first target', 'met'] as const;

function readResult(name: string): BenchmarkResult | undefined {
  const path = join(folder, `${name}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as BenchmarkResult) : undefined;
}

function verdict(target: Target): readonly string[] {
  const result = readResult(target.result);
  if (result === undefined) return [target.result, target.what, 'not measured', target.target, 'no'];
  return [target.result, target.what, target.figure(result), target.target, target.met(result) ? 'yes' : 'no'];
}

/** The targets of these benchmarks with what was measured last, in columns. */
export function terminalTable(benchmarks: readonly string[]): string {
  const rows = [HEADINGS, ...TARGETS.filter(({ benchmark }) => benchmarks.includes(benchmark)).map(verdict)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')).join('\n');
}

/** A table whose columns stand below each other, as the formatter wants it. */
function ruled(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((_, column) => Math.max(...[headings, ...rows].map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(headings), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function measured(name: string): readonly string[] {
  const { unit, value, baseline, baselineName, ratio, ratioMin, ratioMax, load, date } = readResult(name)!;
  const spread = `${ratio.toPrecision(3)} (${ratioMin.toPrecision(3)} to ${ratioMax.toPrecision(3)})`;
  const when = `${date.slice(0, 10)}, load ${load === undefined ? '?' : load.toFixed(1)}`;
  return [name, `${count(value)} ${unit}`, `${baselineName}: ${count(baseline)}`, spread, when];
}

/** The page of all results. */
export function resultsPage(): string {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
  const machines = new Set(names.map((name) => readResult(name)!.machine));
  return `# Benchmarks

Written by \`make bench\` from \`bench/results\`; \`npm run bench -- --report\` writes it from what is there.

\`make bench\` measures everything that has a first target, one after the other; \`npm run bench -- <name>…\` runs
\`bench/<name>.bench.ts\` alone. Each runs its baseline in the same process, in turns with what it measures, and reports
medians; a ratio is the median of the pairs, value over baseline, with the least and the greatest in brackets. A high
load means that others used the machine meanwhile: the ratios then still say something, the absolute figures do not.

Machine: ${[...machines].join('; ')}.

## First targets

${ruled(HEADINGS, TARGETS.map(verdict))}

## All results

${ruled(['result', 'measured', 'baseline', 'ratio', 'when'], names.map(measured))}
`;
}
