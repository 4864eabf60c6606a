/**
 * `npm run check`: every fast check, two at a time, each with its time. Ends with 1 if one failed; the output of a
 * check is printed when it fails.
 */
import { spawn } from 'node:child_process';

const CHECKS: readonly (readonly [name: string, command: string])[] = [
  ['fast tests', 'vitest run --project unit --project property'],
  ['types', 'tsc --noEmit'],
  ['eslint', 'eslint . --cache --cache-location node_modules/.cache/eslint --max-warnings 0'],
  ['biome', 'biome check --error-on-warnings .'],
  ['imports', 'depcruise src $(ls -d examples) --config .dependency-cruiser.cjs --output-type err'],
  ['unused code', 'knip --treat-config-hints-as-errors'],
  ['type tests', 'vitest run --project types --passWithNoTests'],
  ['generated files', 'node scripts/generate.ts --check'],
];
const PARALLEL = 2;

interface Result {
  readonly name: string;
  readonly code: number | null;
  readonly seconds: number;
  readonly output: string;
}

function run(name: string, command: string): Promise<Result> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, {
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', (code) => resolve({ name, code, seconds: (performance.now() - started) / 1000, output }));
  });
}

const only = process.argv.slice(2);
const queue = CHECKS.filter(([name]) => only.length === 0 || only.includes(name));
const results: Result[] = [];

async function worker(): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const result = await run(...next);
    results.push(result);
    console.log(`${result.code === 0 ? 'ok  ' : 'FAIL'} ${result.name} (${result.seconds.toFixed(1)} s)`);
    if (result.code !== 0) console.log(result.output);
  }
}

await Promise.all(Array.from({ length: PARALLEL }, worker));
const failed = results.filter((result) => result.code !== 0);
if (failed.length > 0) {
  console.log(`failed: ${failed.map((result) => result.name).join(', ')}`);
  process.exitCode = 1;
}
