/** `metakernel certs`: certificates for a pool that has no authority of its own. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseRole, ROLES } from '../../contracts/agent/role.ts';
import { type Options, type OptionValues, parseArguments } from '../args.ts';
import type { Credential } from '../certificates/authority.ts';
import { CliError, EXIT, usageError } from '../exit.ts';
import { optionRows } from '../help.ts';
import type { Invocation } from '../invocation.ts';

const COMMON = {
  dir: { kind: 'text', help: 'Folder of the authority and of what it issues (certs)' },
  days: { kind: 'number', help: 'Days that the certificate is good for (init: 3650, issue: 365)' },
  force: { kind: 'switch', help: 'Replace files that are there' },
  json: { kind: 'switch', help: 'Paths of the files as a line of JSON' },
  help: { kind: 'switch', short: 'h', help: 'This text' },
} as const satisfies Options;

const INIT = { name: { kind: 'text', help: 'Name of the authority (metakernel CA)' }, ...COMMON } as const;

const ISSUE = {
  role: { kind: 'text', help: `What the holder may do at agents: ${ROLES.join(', ')} (run)` },
  host: { kind: 'list', help: 'Host name or address that the holder is reached at (again for more)' },
  ...COMMON,
} as const;

const USAGE = 'usage: metakernel certs init [OPTIONS]\n       metakernel certs issue NAME [OPTIONS]';
const DEFAULT_DIR = 'certs';
const CA_DAYS = 3650;
const DAYS = 365;
/** Every holder is also reached from its own machine. */
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '::1'];

export async function certs(argv: readonly string[], invocation: Invocation): Promise<number> {
  const [action, ...rest] = argv;
  if (action === 'init') return init(rest, invocation);
  if (action === 'issue') return issue(rest, invocation);
  if (action !== undefined && action !== '--help' && action !== '-h')
    throw usageError(`certs can init and issue, not ${action}`);
  invocation.terminal.out(`${USAGE}\n\ninit:\n${optionRows(INIT)}\n\nissue:\n${optionRows(ISSUE)}`);
  return EXIT.ok;
}

async function init(argv: readonly string[], invocation: Invocation): Promise<number> {
  const { options, positionals } = parseArguments(argv, INIT);
  if (options.help) return certs([], invocation);
  if (positionals.length > 0) throw usageError(`${JSON.stringify(positionals[0])} is one argument too many`);
  const { createAuthority } = await import('../certificates/authority.ts');
  const authority = await createAuthority(options.name ?? 'metakernel CA', daysOf(options, CA_DAYS));
  const files = write(authority, 'ca', options, invocation);
  return tell(invocation, options.json, files, [
    `authority:   ${files.cert}`,
    `its key:     ${files.key} (whoever has it can make certificates: keep it off the agents)`,
  ]);
}

async function issue(argv: readonly string[], invocation: Invocation): Promise<number> {
  const { options, positionals } = parseArguments(argv, ISSUE);
  if (options.help) return certs([], invocation);
  const [name, extra] = positionals;
  if (name === undefined) throw usageError('the name of the holder is missing');
  if (extra !== undefined) throw usageError(`${JSON.stringify(extra)} is one argument too many`);
  if (!/^[\w.@-]{1,64}$/.test(name) || name.startsWith('.') || name === 'ca')
    throw usageError(`${JSON.stringify(name)} is no name: letters, digits and . _ @ -, at most 64, and not ca`);
  const role = parseRole(options.role ?? 'run');
  if (role === undefined) throw usageError(`there is no role ${options.role}; known: ${ROLES.join(', ')}`);
  const directory = resolve(invocation.cwd, options.dir ?? DEFAULT_DIR);
  const hosts = [...new Set([...(isHostName(name) ? [name] : []), ...LOCAL_HOSTS, ...options.host])];
  const days = daysOf(options, DAYS);
  const { issueCertificate } = await import('../certificates/authority.ts');
  const issued = await issueCertificate(readAuthority(directory), { name, role, hosts, days });
  const files = write(issued, name, options, invocation);
  const ca = join(directory, 'ca.pem');
  return tell(invocation, options.json, { ...files, ca }, [
    `certificate: ${files.cert} (${name}, role ${role}, for ${hosts.join(' ')})`,
    `its key:     ${files.key}`,
    `an agent:    metakernel agent start --tls-ca ${ca} --tls-cert ${files.cert} --tls-key ${files.key}`,
    `a client:    metakernel resources --ca ${ca} --cert ${files.cert} --key ${files.key}`,
  ]);
}

const isHostName = (name: string): boolean => /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(name);

function daysOf({ days }: { readonly days: number | undefined }, fallback: number): number {
  if (days === undefined) return fallback;
  if (days > 0 && days <= 36_500) return days;
  throw usageError('--days must be more than 0 and at most 36500');
}

function readAuthority(directory: string): Credential {
  try {
    const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
    return { cert: read('ca.pem'), key: read('ca.key') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(
      `no authority can be read in ${directory} (${code}): run metakernel certs init first`,
      EXIT.usage,
    );
  }
}

interface Written {
  readonly cert: string;
  readonly key: string;
}

/** The key can be read by its owner alone. */
function write(
  { cert, key }: Credential,
  name: string,
  { dir, force }: Pick<OptionValues<typeof COMMON>, 'dir' | 'force'>,
  { cwd }: Invocation,
): Written {
  const directory = resolve(cwd, dir ?? DEFAULT_DIR);
  const files = { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
  for (const file of Object.values(files)) {
    if (!force && existsSync(file)) throw new CliError(`${file} is there already: --force replaces it`, EXIT.usage);
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  rmSync(files.key, { force: true }); // the mode holds for new files only
  writeFileSync(files.key, key, { mode: 0o600 });
  writeFileSync(files.cert, cert, { mode: 0o644 });
  return files;
}

function tell({ terminal }: Invocation, json: boolean, files: object, lines: readonly string[]): number {
  terminal.out(json ? JSON.stringify(files) : lines.join('\n'));
  return EXIT.ok;
}
