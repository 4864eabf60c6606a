import { copyFileSync, cpSync, constants as fsConstants, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatumKind } from '../model/access.ts';

/** Copies the stored content to where the program wants it; nothing to do when it lies there. */
export function bringFile(source: string, path: string, kind: DatumKind): void {
  if (source === path) return;
  mkdirSync(dirname(path), { recursive: true });
  if (kind === 'directory') {
    rmSync(path, { recursive: true, force: true });
    cpSync(source, path, { recursive: true });
  } else {
    copyFileSync(source, path, fsConstants.COPYFILE_FICLONE);
  }
}

/** Bytes of a file, or of all files below a directory. */
export function sizeOf(path: string, kind: DatumKind): number {
  if (kind !== 'directory') return statSync(path).size;
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
