import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve, sep } from 'node:path';
import { RuntimeError } from '../../../common/errors.ts';

/** Where programs are looked for. */
export interface ProgramPlaces {
  /** The PATH variable of the agent. */
  readonly path: string;
  /** Application directories. */
  readonly directories: readonly string[];
}

/**
 * The file of a program: an absolute path as it is, a bare name on PATH and then in the application directories, any
 * other relative path in these alone. Throws ERR_PROGRAM_UNKNOWN.
 */
export function findProgram(name: string, { path, directories }: ProgramPlaces): string {
  const found = candidates(name, path, directories).find(isExecutable);
  if (found === undefined) {
    throw new RuntimeError('ERR_PROGRAM_UNKNOWN', { program: name, directories: directories.join(', ') });
  }
  return found;
}

function candidates(name: string, path: string, directories: readonly string[]): readonly string[] {
  if (isAbsolute(name)) return [name];
  const own = directories.map((directory) => resolve(directory, name)).filter((file) => within(file, directories));
  if (name.includes('/')) return own;
  return [
    ...path
      .split(delimiter)
      .filter(isAbsolute)
      .map((directory) => join(directory, name)),
    ...own,
  ];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Undefined when the program is not there. */
export function lookUp(name: string, path: string): string | undefined {
  return candidates(name, path, []).find(isExecutable);
}

/** The directory, absolute from `base`. Throws ERR_PATH_OUTSIDE when it lies in none of `allowed`, links resolved. */
export function allowedPath(path: string, field: string, base: string, allowed: readonly string[]): string {
  const absolute = resolve(base, path);
  if (within(real(absolute), allowed.map(real))) return absolute;
  throw new RuntimeError('ERR_PATH_OUTSIDE', { path, field });
}

const within = (path: string, directories: readonly string[]): boolean =>
  directories.some(
    (directory) => path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep),
  );

/** Links resolved as far as the path exists. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const above = resolve(path, '..');
    return above === path ? path : join(real(above), path.slice(above.length).replace(/^\/+/, ''));
  }
}
