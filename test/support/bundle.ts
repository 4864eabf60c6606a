import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { tempDir } from './temp-dir.ts';

/** The bundle as `npm run build` makes it, in a folder that is gone when it is disposed of. */
export function buildBundle(): Disposable & { readonly path: string } {
  const folder = tempDir('bundle');
  const script = join(import.meta.dirname, '../../scripts/build.ts');
  const built = spawnSync(process.execPath, [script, '--no-types', '--out', folder.path], { encoding: 'utf8' });
  if (built.status === 0) return folder;
  folder[Symbol.dispose]();
  throw new Error(`the bundle could not be built: ${built.stderr}`);
}
