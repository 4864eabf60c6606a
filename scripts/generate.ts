/**
 * Writes every file that is made from code (`npm run generate`), or with `--check` fails when a committed one differs.
 * A generator is a module in `scripts/generators/` whose default export gives paths and contents.
 */
import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type GeneratedFiles = ReadonlyMap<string, string | Uint8Array>;
interface GeneratorModule {
  readonly default: () => GeneratedFiles | Promise<GeneratedFiles>;
}

const root = join(import.meta.dirname, '..');
const generators = join(import.meta.dirname, 'generators');
const check = process.argv.includes('--check');
let stale = 0;

for (const name of readdirSync(generators).sort()) {
  if (!name.endsWith('.ts')) continue;
  const module = (await import(join(generators, name))) as GeneratorModule;
  for (const [path, content] of await module.default()) {
    const target = join(root, path);
    const current = await readFile(target).catch(() => undefined);
    if (current?.equals(Buffer.from(content)) === true) continue;
    if (check) {
      console.error(`${path} is stale: run npm run generate`);
      stale += 1;
    } else {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
      console.log(`wrote ${path}`);
    }
  }
}
if (stale > 0) process.exitCode = 1;
