/**
 * `npm run build`: the package's JavaScript into `dist/`, one bundle with split chunks and no need of node_modules, and
 * its declaration files into `dist/types/`.
 *
 * Entries lie flat in `dist/`: a file that starts a thread finds `./<name>.js` beside its own chunk. Files that run in a
 * thread of their own are named `*-thread.ts` or `worker-entry.ts`. `--no-types` leaves the declaration files
 * out, `--out <folder>` writes elsewhere.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, rmSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const { values: flags } = parseArgs({
  options: { types: { type: 'boolean', default: true }, out: { type: 'string', default: join(root, 'dist') } },
  allowNegative: true,
});
const dist = resolve(flags.out);

/** CommonJS packages inside an ES module bundle still call require for Node's own modules, and look for their folder. */
const COMMONJS =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __dirname = import.meta.dirname;";
/** Piscina starts its threads with the `worker.js` of its own folder, which is `dist/` here. */
const PISCINA_WORKER = 'node_modules/piscina/dist/worker.js';
/** Optional native parts that their packages do without. */
const OPTIONAL = ['pg-native', '@napi-rs/nice', 'cpu-features', '*.node'];

const entries = [
  'src/cli/main.ts',
  'src/index.ts',
  ...globSync('src/**/{*-thread,worker-entry}.ts', { cwd: root }).sort(),
  PISCINA_WORKER,
];
const names = entries.map((entry) => basename(entry, extname(entry)));
const twice = names.find((name, i) => names.indexOf(name) !== i);
if (twice !== undefined) throw new Error(`two entries are called ${twice}: dist/ has room for one`);

rmSync(dist, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(entries.map((entry, i) => [names[i]!, entry])),
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  conditions: ['source'],
  external: OPTIONAL,
  banner: { js: COMMONJS },
  chunkNames: 'chunk-[hash]',
  // Every start reads all of it. Names stay, for whoever reads a stack; NODE_OPTIONS=--enable-source-maps shows the sources.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 200,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
});

const ui = join(root, 'src/ui/static');
if (existsSync(ui)) cpSync(ui, join(dist, 'ui'), { recursive: true });

const bytes = Object.entries(metafile.outputs)
  .filter(([file]) => file.endsWith('.js'))
  .reduce((sum, [, output]) => sum + output.bytes, 0);
console.log(`dist/: ${names.join(', ')}; ${Math.round(bytes / 1024)} KiB of JavaScript`);

/** An image runs the bundle and compiles nothing against it. */
if (flags.types) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
