import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface InterpreterChoice {
  /** A path, or a name on PATH; default `python3`. */
  readonly interpreter?: string;
  /** Root of a virtual environment: wins over `interpreter`. */
  readonly virtualenv?: string;
}

export const interpreterOf = ({ interpreter = 'python3', virtualenv }: InterpreterChoice): string =>
  virtualenv === undefined ? interpreter : join(virtualenv, 'bin/python3');

/** Path of the interpreter; undefined when there is none. */
export function findInterpreter(choice: InterpreterChoice, path = process.env['PATH'] ?? ''): string | undefined {
  const chosen = interpreterOf(choice);
  const places = chosen.includes('/') ? [chosen] : path.split(delimiter).map((folder) => join(folder, chosen));
  return places.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
