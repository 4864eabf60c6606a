/**
 * `npm run build`: the package's JavaScript into `dist/`, one bundle with split chunks and no need of node_modules, and
 * its declaration files into `dist/types/`.
 *
 * Entries lie flat in `dist/`: a file that starts a thread finds `./<name>.js` beside its own chunk. Files that run in a
 * thread of their own are named `*-thread.ts` or `worker-entry.ts`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** CommonJS packages inside an ES module bundle still call require for Node's own modules. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";
/** Optional native parts that their packages do without. */
const OPTIONAL = ['pg-native', 'msgpackr-extract', '@napi-rs/nice', '@opentelemetry/*'];

const entries = [
  'src/cli/main.ts',
  'src/index.ts',
  ...globSync('src/**/{*-thread,worker-entry}.ts', { cwd: root }).sort(),
];
const names = entries.map((entry) => basename(entry, '.ts'));
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
  banner: { js: REQUIRE },
  chunkNames: 'chunk-[hash]',
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
});

const ui = join(root, 'src/ui/static');
if (existsSync(ui)) cpSync(ui, join(dist, 'ui'), { recursive: true });

const types = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
const bytes = Object.entries(metafile.outputs)
  .filter(([file]) => file.endsWith('.js'))
  .reduce((sum, [, output]) => sum + output.bytes, 0);
console.log(`dist/: ${names.join(', ')}; ${Math.round(bytes / 1024)} KiB of JavaScript`);
process.exitCode = types.status ?? 1;
