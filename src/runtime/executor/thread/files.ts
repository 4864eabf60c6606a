import {
  copyFileSync,
  cpSync,
  existsSync,
  constants as fsConstants,
  mkdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { RuntimeError } from '../../../common/errors.ts';
import { writes } from '../../model/access.ts';
import { sizeOf } from '../../program/file-transfer.ts';
import type { ThreadOutput } from '../outcome-record.ts';
import type { RunAccess } from '../run-record.ts';

/** The files and directories of one attempt: shown under their own names in its folder, collected from there after. */
export class TaskFiles {
  readonly #workingDir: string;
  readonly #paths = new Map<number, string>();

  constructor(workingDir: string) {
    this.#workingDir = workingDir;
  }

  /** The path that user code gets for an access. */
  present(index: number, access: RunAccess, name: string | undefined): string {
    const known = this.#paths.get(index);
    if (known !== undefined) return known;
    const source = access.content.in === 'file' ? access.content.path : undefined;
    const path = this.#place(index, name ?? (source === undefined ? `out${index}` : basename(source)));
    this.#paths.set(index, path);
    if (source !== undefined) bring(source, path, access);
    else if (access.kind === 'directory') mkdirSync(path);
    // What an ignored failure left unwritten reads as empty.
    else if (access.direction !== 'OUT') writeFileSync(path, '');
    return path;
  }

  /** What the attempt left at the place of a written access, moved out of its folder. */
  collect(index: number, access: RunAccess, name: string | undefined): ThreadOutput {
    const path = this.present(index, access, name);
    if (!existsSync(path)) throw new RuntimeError('ERR_OUTPUT_MISSING', { path: basename(path), kind: access.kind });
    const kept = `${this.#workingDir}-o${index}-${basename(path)}`;
    renameSync(path, kept);
    return { as: 'file', path: kept, length: sizeOf(kept, access.kind) };
  }

  /** Two data of one name get folders of their own. */
  #place(index: number, name: string): string {
    const file = basename(name);
    const path = join(this.#workingDir, file);
    if (![...this.#paths.values()].includes(path)) return path;
    const folder = join(this.#workingDir, `d${index}`);
    mkdirSync(folder);
    return join(folder, file);
  }
}

/** Readers see the stored file itself; writers get a copy (a reflink where the file system can). */
function bring(source: string, path: string, access: RunAccess): void {
  if (!writes(access.direction)) symlinkSync(source, path);
  else if (access.kind === 'directory') cpSync(source, path, { recursive: true });
  else copyFileSync(source, path, fsConstants.COPYFILE_FICLONE);
}
