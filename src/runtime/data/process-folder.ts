import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync, utimes, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../common/logger.ts';
import { ownerIsAlive, ownerOf, readOwnerFile } from './process-owner.ts';

/** A folder that belongs to this process: removed at close, or by the next process to start when this one was killed. */
export interface ProcessFolder extends AsyncDisposable {
  readonly path: string;
}

const PREFIX = 'mk-';
const OWNER_FILE = 'owner.json';
const BEAT_MS = 60_000;
/** An owner that cannot be looked up is taken for dead after missing this many milliseconds of beats. */
const SILENT_MS = 10 * BEAT_MS;

/** Makes a folder in `parent` and removes those of dead processes. Throws what mkdir throws. */
export function createProcessFolder(parent: string, log: Logger): ProcessFolder {
  mkdirSync(parent, { recursive: true });
  sweep(parent, log);
  const path = join(parent, `${PREFIX}${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(path, { mode: 0o700 });
  const ownerFile = join(path, OWNER_FILE);
  writeFileSync(ownerFile, JSON.stringify(ownerOf(process.pid)));
  const beat = setInterval(() => {
    const now = new Date();
    utimes(ownerFile, now, now, () => undefined);
  }, BEAT_MS);
  beat.unref();
  return {
    path,
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      await rm(path, { recursive: true, force: true });
    },
  };
}

function sweep(parent: string, log: Logger): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    try {
      if (!isStale(path)) continue;
      rmSync(path, { recursive: true, force: true });
      log.info({ path }, 'removed the folder of a dead process');
    } catch (error) {
      log.warn({ path, error: String(error) }, 'cannot remove the folder of a dead process');
    }
  }
}

function isStale(path: string): boolean {
  const ownerFile = join(path, OWNER_FILE);
  const owner = readOwnerFile(ownerFile);
  // Killed between mkdir and write, or being made right now.
  if (owner === undefined) return silentFor(path) > SILENT_MS;
  if (owner.host !== hostname()) return false;
  const alive = ownerIsAlive(owner);
  return alive === undefined ? silentFor(ownerFile) > SILENT_MS : !alive;
}

const silentFor = (path: string): number => Date.now() - statSync(path).mtimeMs;
