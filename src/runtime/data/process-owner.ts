import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** What a later process needs to tell whether the owner of a file or folder still lives. */
export interface ProcessOwner {
  readonly pid: number;
  readonly startTicks: string;
  readonly host: string;
  readonly boot: string;
  /** Two containers with one host name may share a folder: a pid means something in its own namespace only. */
  readonly pidNamespace: string;
}

/** Undefined when it cannot be known from here: another host, or another container of this one. */
export function ownerIsAlive(owner: ProcessOwner): boolean | undefined {
  const here = ownerOf(owner.pid);
  if (owner.host !== here.host) return undefined;
  if (owner.boot !== here.boot) return false;
  if (owner.pidNamespace !== here.pidNamespace) return undefined;
  return owner.startTicks === here.startTicks;
}

/** Undefined when there is none, or half of one. */
export function readOwnerFile(path: string): ProcessOwner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessOwner;
  } catch {
    return undefined;
  }
}

export function ownerOf(pid: number): ProcessOwner {
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
