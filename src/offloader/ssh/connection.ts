import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel, ConnectConfig, ServerHostKeyAlgorithm, SFTPWrapper } from 'ssh2';
import { RuntimeError } from '../../common/errors.ts';
import { entriesOf, fingerprintOf, judge, KnownHostsFile, knownName } from './known-hosts.ts';
import { type SshAddress, type SshCredentials, type SshSpec, textOf } from './spec.ts';

/** What a command there has said and how it ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const READY_MS = 20_000;
/** A host that leaves so many questions unanswered is gone. */
const KEEPALIVE = { keepaliveInterval: 5_000, keepaliveCountMax: 3 };
const MAX_OUTPUT = 1 << 20;
const KEY_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
const KEX_TYPES: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
};
const HOST_KEY_TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'];

/** One authenticated connection to a host, through its jumps. */
export class SshConnection implements AsyncDisposable {
  readonly address: SshAddress;
  readonly #name: string;
  /** Closed with it, the nearest last. */
  readonly #under: SshConnection | undefined;
  readonly #client: Client;
  readonly closed: Promise<string>;
  #sftp: Promise<SFTPWrapper> | undefined;

  private constructor(name: string, address: SshAddress, client: Client, under: SshConnection | undefined) {
    this.#name = name;
    this.address = address;
    this.#client = client;
    this.#under = under;
    let reason = 'the connection was closed';
    client.on('error', (error) => (reason = error.message));
    this.closed = once(client, 'close').then(() => reason);
  }

  /** Throws ERR_LINK_UNREACHABLE, ERR_SSH_HOST_KEY, ERR_SSH_AUTH. */
  static async open(spec: SshSpec, signal: AbortSignal): Promise<SshConnection> {
    let under: SshConnection | undefined;
    try {
      for (const address of [...spec.jumps, spec.address]) {
        const sock = await under?.dial(address);
        under = await SshConnection.#openOne(spec, address, signal, { sock, under });
      }
    } catch (error) {
      await under?.[Symbol.asyncDispose]();
      throw error;
    }
    return under as SshConnection;
  }

  static async #openOne(
    spec: SshSpec,
    address: SshAddress,
    signal: AbortSignal,
    { sock, under }: { readonly sock: Duplex | undefined; readonly under: SshConnection | undefined },
  ): Promise<SshConnection> {
    // Loaded by whoever has such a host.
    const { default: ssh2 } = await import('ssh2');
    const client = new ssh2.Client();
    const check = new HostKeyCheck(spec, address);
    const { password, ...config } = credentialsFor(spec.credentials, address);
    const abort = (): void => void client.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await connected(client, {
        host: address.host,
        port: address.port,
        username: address.user,
        readyTimeout: READY_MS,
        ...KEEPALIVE,
        ...config,
        ...(password === undefined ? {} : { password }),
        ...(sock === undefined ? {} : { sock: sock as never }),
        hostVerifier: (key: Buffer) => check.accepts(key),
        algorithms: { serverHostKey: check.algorithms },
      });
    } catch (error) {
      client.destroy();
      throw check.failure ?? connectError(spec, address, error, config);
    } finally {
      signal.removeEventListener('abort', abort);
    }
    client.setNoDelay(true);
    return new SshConnection(spec.name, address, client, under);
  }

  /** Runs a command of the POSIX shell there. Rejects when the connection breaks. */
  async run(command: string, input = ''): Promise<CommandResult> {
    const channel = await this.start(command);
    channel.end(input);
    let [stdout, stderr] = ['', ''];
    channel.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(0, MAX_OUTPUT)));
    channel.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(0, MAX_OUTPUT)));
    let code: number | undefined;
    channel.on('exit', (value: number | null) => (code = value ?? 255));
    await once(channel, 'close');
    if (code === undefined) throw this.broken('it closed the connection while a command ran');
    return { code, stdout, stderr };
  }

  /** Whatever the login shell of the user is, `sh` reads the command. */
  start(command: string): Promise<ClientChannel> {
    return this.#ask((done) => this.#client.exec(`exec sh -c ${quote(command)}`, done));
  }

  sftp(): Promise<SFTPWrapper> {
    this.#sftp ??= this.#ask<SFTPWrapper>((done) => this.#client.sftp(done));
    return this.#sftp;
  }

  /** A connection that starts at the host. */
  dial({ host, port }: Pick<SshAddress, 'host' | 'port'>): Promise<ClientChannel> {
    return this.#ask((done) => this.#client.forwardOut('127.0.0.1', 0, host, port, done));
  }

  /** Connections to a port of the host's loopback address come here; the port is the host's choice. */
  async listen(accept: (channel: Duplex) => void): Promise<number> {
    const port = await this.#ask<number>((done) => this.#client.forwardIn('127.0.0.1', 0, done));
    this.#client.on('tcp connection', ({ destPort }, take) => {
      if (destPort === port) accept(take());
    });
    return port;
  }

  broken(reason: string): RuntimeError {
    return new RuntimeError('ERR_LINK_UNREACHABLE', { name: this.#name, address: textOf(this.address), reason });
  }

  async #ask<T>(how: (done: (error: Error | undefined, value: T) => void) => unknown): Promise<T> {
    const answer = Promise.withResolvers<T>();
    how((error, value) => (error === undefined || error === null ? answer.resolve(value) : answer.reject(error)));
    const gone = this.closed.then((reason) => Promise.reject(this.broken(reason)));
    gone.catch(() => undefined);
    return await Promise.race([answer.promise, gone]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.end();
    const timer = setTimeout(() => this.#client.destroy(), 1000);
    await this.closed;
    clearTimeout(timer);
    await this.#under?.[Symbol.asyncDispose]();
  }
}

export const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

async function connected(client: Client, config: ConnectConfig): Promise<void> {
  const ready = Promise.withResolvers<void>();
  client.once('ready', ready.resolve);
  client.on('error', ready.reject);
  client.once('close', () => ready.reject(new Error('the connection was closed')));
  client.connect(config);
  await ready.promise;
}

/** Decides about the key that a host shows. */
class HostKeyCheck {
  readonly #spec: SshSpec;
  readonly #address: SshAddress;
  readonly #file: KnownHostsFile;
  readonly #name: string;
  failure: RuntimeError | undefined;

  constructor(spec: SshSpec, address: SshAddress) {
    this.#spec = spec;
    this.#address = address;
    this.#file = new KnownHostsFile(spec.knownHosts ?? join(homedir(), '.ssh/known_hosts'));
    this.#name = knownName(address);
  }

  /** Kinds of keys that are known of this host come first: a host has several, and shows only one. */
  get algorithms(): ServerHostKeyAlgorithm[] {
    const known = entriesOf(this.#file.entries(), this.#name).map(({ type }) => type);
    const types = new Set([...known, ...HOST_KEY_TYPES].filter((type) => HOST_KEY_TYPES.includes(type)));
    return [...types].flatMap((type) => KEX_TYPES[type] ?? [type as ServerHostKeyAlgorithm]);
  }

  accepts(key: Buffer): boolean {
    const verdict = judge(this.#file.entries(), this.#name, key);
    if (verdict === 'known') return true;
    if (verdict === 'unknown' && this.#spec.trustNewHosts) {
      this.#file.add(this.#name, key);
      return true;
    }
    this.failure = new RuntimeError('ERR_SSH_HOST_KEY', {
      host: textOf(this.#address),
      key: fingerprintOf(key),
      file: this.#file.path,
      reason: REASONS[verdict],
    });
    return false;
  }
}

const REASONS = {
  unknown: 'no key of this host is known; add it, or set StrictHostKeyChecking to accept-new',
  changed: 'another key of this host is known: somebody may be listening in',
  revoked: 'this key is marked as revoked',
};

type Credentials = Pick<ConnectConfig, 'privateKey' | 'passphrase' | 'agent' | 'password'>;

/** Named files must be there; those that are only looked for need not. */
function credentialsFor(given: SshCredentials, address: SshAddress): Credentials {
  const passphrase = given.passphraseFile === undefined ? undefined : secretIn(given.passphraseFile, address);
  const password = given.passwordFile === undefined ? undefined : secretIn(given.passwordFile, address);
  const named = given.identityFile !== undefined || password !== undefined;
  const agent = given.agent ?? (named ? undefined : process.env['SSH_AUTH_SOCK']);
  const keyFile = given.identityFile ?? (named || agent !== undefined ? undefined : defaultKey());
  return {
    ...(keyFile === undefined ? {} : { privateKey: readKey(keyFile, address) }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(password === undefined ? {} : { password }),
    ...(agent === undefined ? {} : { agent }),
  };
}

const defaultKey = (): string | undefined =>
  KEY_FILES.map((name) => join(homedir(), '.ssh', name)).find((path) => existsSync(path));

const secretIn = (path: string, address: SshAddress): string =>
  readKey(path, address)
    .toString('utf8')
    .replace(/\r?\n$/, '');

function readKey(path: string, { user, ...address }: SshAddress): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = `${path} cannot be read: ${(error as Error).message}`;
    throw new RuntimeError('ERR_SSH_AUTH', { user, host: textOf({ user, ...address }), reason }, { cause: error });
  }
}

function connectError(spec: SshSpec, address: SshAddress, error: unknown, used: Credentials): RuntimeError {
  const { message, level } = error as Error & { level?: string };
  const host = textOf(address);
  const isKey = /parse privateKey|passphrase|OpenSSH private key/i.test(message);
  if (level === 'client-authentication' || level === 'agent' || isKey) {
    const tried = Object.keys(used).filter((kind) => kind !== 'passphrase');
    const reason = `${message} (tried: ${tried.map((kind) => KINDS[kind] ?? kind).join(', ') || 'nothing, no key or agent was found'})`;
    return new RuntimeError('ERR_SSH_AUTH', { user: address.user, host, reason }, { cause: error });
  }
  return new RuntimeError(
    'ERR_LINK_UNREACHABLE',
    { name: spec.name, address: host, reason: message },
    { cause: error },
  );
}

const KINDS: Readonly<Record<string, string>> = { privateKey: 'key', agent: 'agent' };
