import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, utimes, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../common/logger.ts';

/** A folder that belongs to this process: removed at close, or by the next process to start when this one was killed. */
export interface ProcessFolder extends AsyncDisposable {
  readonly path: string;
}

/** Written into the folder; what a later process needs to tell whether the owner still lives. */
interface Owner {
  readonly pid: number;
  readonly startTicks: string;
  readonly host: string;
  readonly boot: string;
  /** Two containers with one host name may share the parent folder: a pid means something in its own namespace only. */
  readonly pidNamespace: string;
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
  const owner = readOwner(path);
  if (owner === undefined) return silentFor(path) > SILENT_MS;
  const here = ownerOf(owner.pid);
  if (owner.host !== here.host) return false;
  if (owner.boot !== here.boot) return true;
  if (owner.pidNamespace !== here.pidNamespace) return silentFor(join(path, OWNER_FILE)) > SILENT_MS;
  return owner.startTicks !== here.startTicks;
}

const silentFor = (path: string): number => Date.now() - statSync(path).mtimeMs;

function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(join(path, OWNER_FILE), 'utf8')) as Owner;
  } catch {
    return undefined; // killed between mkdir and write, or being made right now
  }
}

function ownerOf(pid: number): Owner {
  return {
    pid,
    startTicks: startTicks(pid),
    host: hostname(),
    boot: readOr('/proc/sys/kernel/random/boot_id', ''),
    pidNamespace: linkOr('/proc/self/ns/pid', ''),
  };
}

/** Start time of a process: with the pid it names one process of this boot. 'none' when there is no such process. */
function startTicks(pid: number): string {
  const stat = readOr(`/proc/${pid}/stat`, '');
  if (stat !== '') return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  try {
    process.kill(pid, 0);
    return ''; // no /proc here: the pid alone has to do
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? '' : 'none';
  }
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return fallback;
  }
}

function linkOr(path: string, fallback: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return fallback;
  }
}
