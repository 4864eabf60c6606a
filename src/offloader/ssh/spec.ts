import { userInfo } from 'node:os';
import { RuntimeError } from '../../common/errors.ts';

/** Where an SSH connection goes and as whom. */
export interface SshAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** How a user proves who he is. What is absent is looked for where OpenSSH looks: the agent, then the keys in `~/.ssh`. */
export interface SshCredentials {
  readonly identityFile?: string;
  /** Of the key. */
  readonly passphraseFile?: string;
  readonly passwordFile?: string;
  /** Socket of an SSH agent. */
  readonly agent?: string;
}

export interface SshSpec {
  readonly scheme: 'ssh';
  readonly name: string;
  readonly address: SshAddress;
  /** Hosts on the way, from here to there. */
  readonly jumps: readonly SshAddress[];
  readonly credentials: SshCredentials;
  /** Default: `~/.ssh/known_hosts`. */
  readonly knownHosts?: string;
  /** A host that was never seen is trusted and written down; one whose key has changed is refused all the same. */
  readonly trustNewHosts: boolean;
  /** Folder there for the bundle, the code and the files of tasks; default `.metakernel` in the home of the user. */
  readonly workingDir?: string;
  /** Path of Node.js there; default: looked for. */
  readonly node?: string;
  /** Folders there with the code of tasks; default: the folders of this agent are copied there. */
  readonly appDirs: readonly string[];
  /** CPU units of the worker; default: those of the machine. */
  readonly cpus?: number;
  readonly storeLimitBytes?: number;
}

const DEFAULT_PORT = 22;

/** Each with what it means, for messages and the documentation. */
export const SSH_PROPERTIES = [
  'Host',
  'Port',
  'User',
  'IdentityFile',
  'PassphraseFile',
  'PasswordFile',
  'IdentityAgent',
  'KnownHosts',
  'StrictHostKeyChecking',
  'ProxyJump',
  'WorkingDir',
  'Node',
  'AppDir',
  'Cpus',
  'StoreLimitBytes',
] as const;

type Properties = Readonly<Record<string, string>>;

/** Throws ERR_CONFIG_INVALID naming the property. */
export function parseSshSpec(name: string, properties: Properties): SshSpec {
  for (const key of Object.keys(properties)) {
    if (!SSH_PROPERTIES.some((known) => known === key)) {
      throw invalid(key, `the ssh adaptor knows ${SSH_PROPERTIES.join(', ')} only`);
    }
  }
  const user = parseUser(properties['User'] ?? userInfo().username);
  const host = parseHost('Host', properties['Host'] ?? name);
  return {
    scheme: 'ssh',
    name,
    address: { host, port: parsePort('Port', properties['Port']), user },
    jumps: parseJumps(properties['ProxyJump'], user),
    credentials: parseCredentials(properties),
    trustNewHosts: parseChecking(properties['StrictHostKeyChecking']),
    appDirs: (properties['AppDir'] ?? '').split(':').filter((path) => path !== ''),
    ...given('knownHosts', properties['KnownHosts']),
    ...given('workingDir', parsePath('WorkingDir', properties['WorkingDir'])),
    ...given('node', parsePath('Node', properties['Node'])),
    ...given('cpus', parseCount('Cpus', properties['Cpus'])),
    ...given('storeLimitBytes', parseCount('StoreLimitBytes', properties['StoreLimitBytes'])),
  };
}

function parseCredentials(properties: Properties): SshCredentials {
  return {
    ...given('identityFile', properties['IdentityFile']),
    ...given('passphraseFile', properties['PassphraseFile']),
    ...given('passwordFile', properties['PasswordFile']),
    ...given('agent', properties['IdentityAgent']),
  };
}

/** As OpenSSH's option of this name; `no` is not to be had. */
function parseChecking(text = 'yes'): boolean {
  if (text === 'yes') return false;
  if (text === 'accept-new') return true;
  throw invalid('StrictHostKeyChecking', `${JSON.stringify(text)} is neither yes nor accept-new`);
}

/** `[user@]host[:port]`, several with commas, as OpenSSH's option of this name. */
function parseJumps(text: string | undefined, user: string): readonly SshAddress[] {
  if (text === undefined || text === '' || text === 'none') return [];
  return text.split(',').map((jump) => {
    const parts = /^(?:([^@]+)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(jump.trim());
    if (parts === null) throw invalid('ProxyJump', `${JSON.stringify(jump)} is not [user@]host[:port]`);
    const [, as, host = '', port] = parts;
    return { host: parseHost('ProxyJump', host), port: parsePort('ProxyJump', port), user: parseUser(as ?? user) };
  });
}

function parseHost(key: string, host: string): string {
  if (!/^[\w.:%[\]-]+$/.test(host) || host.startsWith('-')) {
    throw invalid(key, `${JSON.stringify(host)} is no host name or address`);
  }
  return host.replace(/^\[|\]$/g, '');
}

function parseUser(user: string): string {
  if (user === '' || /[\s\0]/.test(user)) throw invalid('User', `${JSON.stringify(user)} is no name of a user`);
  return user;
}

function parsePort(key: string, text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw invalid(key, `${JSON.stringify(text)} is no port`);
  return port;
}

function parseCount(key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1) throw invalid(key, `${JSON.stringify(text)} is no number of 1 or more`);
  return count;
}

function parsePath(key: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  if (path === '' || /[\0\n]/.test(path)) throw invalid(key, `${JSON.stringify(path)} is no path`);
  return path;
}

const given = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };

const invalid = (key: string, reason: string): RuntimeError => new RuntimeError('ERR_CONFIG_INVALID', { key, reason });

export const textOf = ({ host, port }: SshAddress): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
