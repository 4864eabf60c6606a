import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { RuntimeError } from '../common/errors.ts';

/** Which files of this machine a request may name. */
export interface PathPolicy {
  /** The absolute path. Throws ERR_PATH_OUTSIDE for one outside the directories, also by way of a link. */
  resolve(path: string, field: string): string;
}

/** Relative paths are looked up in the first directory. */
export function createPathPolicy(directories: readonly string[]): PathPolicy {
  const roots = directories.map(realPath);
  return {
    resolve(path, field) {
      const absolute = resolve(directories[0] ?? '/', path);
      if (roots.some((root) => isWithin(realPath(absolute), root))) return absolute;
      throw new RuntimeError('ERR_PATH_OUTSIDE', { path, field });
    },
  };
}

const isWithin = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

/** Links resolved as far as the path exists; the rest may be made by the task. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(realPath(above), basename(path));
  }
}
