/** What a directory holds, as the first bytes of its content: the entries in order; then follow the files' bytes. */
import { type Dirent, constants as fsConstants } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { RuntimeError } from '../../common/errors.ts';
import { invalidFrame } from './wire.ts';

export interface ManifestEntry {
  /** Below the directory, with '/', parents before children. */
  readonly path: string;
  readonly type: 'directory' | 'file' | 'link';
  readonly mode: number;
  /** Files: length. */
  readonly size: number;
  /** Links: where to. */
  readonly target?: string;
}

const TYPES: readonly string[] = ['directory', 'file', 'link'] satisfies ManifestEntry['type'][];
const MODE_BITS = 0o777;

/** Reads a directory of this machine. Throws ERR_DATA_UNREADABLE for what must not or cannot travel. */
export async function readManifest(root: string): Promise<readonly ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  const walk = async (below: string): Promise<void> => {
    const children = await readdir(join(root, below), { withFileTypes: true });
    for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = posix.join(below, child.name);
      entries.push(await readEntry(root, path, child));
      if (child.isDirectory()) await walk(path);
    }
  };
  await walk('');
  return entries;
}

async function readEntry(root: string, path: string, child: Dirent): Promise<ManifestEntry> {
  const { mode, size } = await lstat(join(root, path));
  if (child.isDirectory()) return { path, type: 'directory', mode: mode & MODE_BITS, size: 0 };
  if (child.isFile()) return { path, type: 'file', mode: mode & MODE_BITS, size };
  if (!child.isSymbolicLink()) throw unsafe(root, path, 'it is neither file, directory nor link');
  const target = await readlink(join(root, path));
  if (!staysInside(path, target)) throw unsafe(root, path, 'it leads out of the directory');
  return { path, type: 'link', mode: fsConstants.S_IRUSR, size: 0, target };
}

const unsafe = (root: string, path: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_DATA_UNREADABLE', { version: root, reason: `${path}: ${reason}` });

export const encodeManifest = (entries: readonly ManifestEntry[]): Buffer => Buffer.from(JSON.stringify(entries));

/** Checks everything a hostile sender might try; throws ERR_FRAME_INVALID. `contentBytes`: of all files together. */
export function decodeManifest(bytes: Uint8Array, contentBytes: number): readonly ManifestEntry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw invalidFrame('the list of a directory is not JSON');
  }
  if (!Array.isArray(parsed)) throw invalidFrame('the list of a directory is not a list');
  const directories = new Set(['']);
  const seen = new Set<string>();
  let total = 0;
  const entries = parsed.map((raw: unknown) => {
    const entry = parseEntry(raw);
    const parent = entry.path.slice(0, Math.max(0, entry.path.lastIndexOf('/')));
    if (!directories.has(parent)) throw invalidFrame(`${shown(entry.path)} is not in a directory of the list`);
    if (seen.has(entry.path)) throw invalidFrame(`${shown(entry.path)} is listed twice`);
    seen.add(entry.path);
    if (entry.type === 'directory') directories.add(entry.path);
    total += entry.size;
    return entry;
  });
  if (total !== contentBytes) throw invalidFrame(`files of ${total} bytes in a content of ${contentBytes}`);
  return entries;
}

function parseEntry(raw: unknown): ManifestEntry {
  const { path, type, mode, size, target } = (raw ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof path !== 'string' || !isPlain(path)) throw invalidFrame(`${shown(path)} is no path inside a directory`);
  if (typeof type !== 'string' || !TYPES.includes(type)) throw invalidFrame(`${shown(path)} has no known type`);
  if (!isCount(mode) || mode > MODE_BITS) throw invalidFrame(`${shown(path)} has no valid mode`);
  if (!isCount(size) || (type !== 'file' && size !== 0)) throw invalidFrame(`${shown(path)} has no valid size`);
  if (type !== 'link') return { path, type: type as 'directory' | 'file', mode, size };
  if (typeof target !== 'string' || !staysInside(path, target))
    throw invalidFrame(`${shown(path)} leads out of its directory`);
  return { path, type: 'link', mode, size, target };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Relative, and made of ordinary names only. */
const isPlain = (path: string): boolean =>
  path.length <= 4096 &&
  !path.includes('\0') &&
  path.split('/').every((name) => name !== '' && name !== '.' && name !== '..');

/**
 * A link may climb only at its start, over real directories: a '..' behind a name could be behind another link, which
 * makes it lead somewhere else than it reads.
 */
function staysInside(path: string, target: string): boolean {
  if (target === '' || target.length > 4096 || target.includes('\0') || target.startsWith('/')) return false;
  const names = target.split('/').filter((name) => name !== '' && name !== '.');
  const climbs = names.findIndex((name) => name !== '..');
  const up = climbs < 0 ? names.length : climbs;
  if (names.slice(up).includes('..')) return false;
  return up <= path.split('/').length - 1;
}

const shown = (path: unknown): string => JSON.stringify(path)?.slice(0, 200) ?? 'an entry';
