import { realpathSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';

let codePaths: readonly string[] = [];

/** Where user modules of this thread or process live: names of core elements are relative to these. */
export function useCodePaths(paths: readonly string[]): void {
  codePaths = paths.map((path) => realpathSync(path));
}

/** Path of a module as other nodes know it: below the first code path that holds it, with forward slashes. */
export function moduleName(file: string): string | undefined {
  for (const root of codePaths) {
    const path = relative(root, file);
    if (path !== '' && path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path)) {
      return path.split(sep).join('/');
    }
  }
  return undefined;
}
