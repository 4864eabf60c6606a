import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const VERSION = '1.0.0';
const INSTALL_MS = 120_000;
const cache = join(import.meta.dirname, '../../.cache/python');

/** A folder with dislib in it, as its authors publish it; or why there is none. */
export function findDislib(interpreter: string): { readonly folder: string; readonly problem: string | undefined } {
  const folder = join(cache, `dislib-${VERSION}`);
  if (existsSync(folder)) return { folder, problem: undefined };
  mkdirSync(cache, { recursive: true });
  const target = mkdtempSync(join(cache, 'install-'));
  try {
    const problem = install(interpreter, target) ?? install('python3', target);
    if (problem === undefined && !existsSync(folder)) renameSync(target, folder);
    return { folder, problem };
  } catch (error) {
    // Another test file was quicker.
    if (existsSync(folder)) return { folder, problem: undefined };
    throw error;
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** Without what it depends on: numpy, scipy and scikit-learn are Debian's, `pycompss` is ours. */
function install(interpreter: string, target: string): string | undefined {
  const quiet = ['--quiet', '--no-input', '--disable-pip-version-check', '--retries=1', '--timeout=15'];
  const { status, stderr } = spawnSync(
    interpreter,
    ['-m', 'pip', 'install', ...quiet, '--no-deps', '--upgrade', `--target=${target}`, `dislib==${VERSION}`],
    { encoding: 'utf8', timeout: INSTALL_MS },
  );
  return status === 0 ? undefined : `dislib could not be installed: ${stderr?.trim().split('\n').at(-1) ?? 'no pip'}`;
}
