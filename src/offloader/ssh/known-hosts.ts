/** OpenSSH's file of known hosts. Pure but for `KnownHostsFile`. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SshAddress } from './spec.ts';

export interface KnownHost {
  readonly patterns: readonly string[];
  readonly type: string;
  readonly key: Buffer;
  /** Its owner has said that this key is not to be trusted any more. */
  readonly revoked: boolean;
}

export type Verdict = 'known' | 'unknown' | 'changed' | 'revoked';

/** Lines that are none are passed over, as OpenSSH does; so are those of certificate authorities. */
export function parseKnownHosts(text: string): readonly KnownHost[] {
  return text.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
    const [hosts = '', type, key] = words;
    if (hosts === '' || hosts.startsWith('#') || type === undefined || key === undefined) return [];
    if (marker !== undefined && marker !== '@revoked') return [];
    return [{ patterns: hosts.split(','), type, key: Buffer.from(key, 'base64'), revoked: marker !== undefined }];
  });
}

/** What the file calls a host: bare at port 22, else with brackets and port. */
export const knownName = ({ host, port }: SshAddress): string =>
  port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;

export const entriesOf = (entries: readonly KnownHost[], name: string): readonly KnownHost[] =>
  entries.filter(({ patterns }) => matches(patterns, name));

export function judge(entries: readonly KnownHost[], name: string, key: Buffer): Verdict {
  const here = entriesOf(entries, name);
  const same = here.filter((entry) => entry.key.equals(key));
  if (same.some((entry) => entry.revoked)) return 'revoked';
  if (same.length > 0) return 'known';
  return here.some((entry) => !entry.revoked) ? 'changed' : 'unknown';
}

/** As `ssh-keygen -l` prints it. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The first field of a key in SSH's encoding. */
export function typeOf(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  return key.subarray(4, 4 + length).toString('latin1');
}

function matches(patterns: readonly string[], name: string): boolean {
  const negated = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  if (negated.some((pattern) => matchesOne(pattern, name))) return false;
  return patterns.some((pattern) => matchesOne(pattern, name));
}

function matchesOne(pattern: string, name: string): boolean {
  if (pattern.startsWith('|1|')) return matchesHashed(pattern, name);
  const source = pattern.toLowerCase().replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${source.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name);
}

function matchesHashed(pattern: string, name: string): boolean {
  const [, , salt = '', hash = ''] = pattern.split('|');
  const [made, found] = [
    createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest(),
    Buffer.from(hash, 'base64'),
  ];
  return made.length === found.length && timingSafeEqual(made, found);
}

/** The file itself, read anew for every connection: others write to it. */
export class KnownHostsFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** None when there is no such file. */
  entries(): readonly KnownHost[] {
    try {
      return parseKnownHosts(readFileSync(this.path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  add(name: string, key: Buffer): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    appendFileSync(this.path, `${name} ${typeOf(key)} ${key.toString('base64')}\n`, { mode: 0o600 });
  }
}
