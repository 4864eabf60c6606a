import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type RunningProcess, startProcess } from '../../scripts/process.ts';
import { preparePrograms } from './debian-packages.ts';
import { processGone } from './processes.ts';
import { tempDir } from './temp-dir.ts';

const SSHD = '/usr/sbin/sshd';

/** Why there can be no sshd; undefined when there can. It is installed where that may be done. */
export const sshdMissing: string | undefined = preparePrograms([SSHD]);

/** Keys, files and folders that hosts of one test file share: the key of the host, of the user, what is known of both. */
export class SshFiles implements Disposable {
  readonly folder: string;
  readonly hostKey: string;
  readonly identity: string;
  readonly knownHosts: string;
  readonly workingDir: string;
  readonly #temp = tempDir('ssh');

  constructor() {
    this.folder = this.#temp.path;
    this.hostKey = this.makeKey('host');
    this.identity = this.makeKey('user');
    this.knownHosts = join(this.folder, 'known_hosts');
    this.workingDir = join(this.folder, 'there');
    const key = readFileSync(`${this.hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    // Any port of this address: the ports are free ones.
    writeFileSync(this.knownHosts, `[127.0.0.1]:* ${key}\n`);
  }

  /** Path of a new private key. */
  makeKey(name: string, passphrase = ''): string {
    const path = join(this.folder, name);
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', path], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
    return path;
  }

  /** Properties of a node for a host with these files. */
  get properties(): Record<string, string> {
    return {
      IdentityFile: this.identity,
      KnownHosts: this.knownHosts,
      WorkingDir: this.workingDir,
      Node: process.execPath,
    };
  }

  [Symbol.dispose](): void {
    this.#temp[Symbol.dispose]();
  }
}

/** A real sshd on a port of the loopback address. Its sessions and what they run end with it. */
export class Sshd implements AsyncDisposable {
  readonly port: number;
  readonly #process: RunningProcess;

  private constructor(running: RunningProcess, port: number) {
    this.#process = running;
    this.port = port;
  }

  /** Further lines of its configuration come first: the first value of an option counts. */
  static async start(files: SshFiles, options: { port?: number; lines?: readonly string[] } = {}): Promise<Sshd> {
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true });
    for (let attempt = 0; ; attempt++) {
      const port = options.port ?? (await freePort());
      const config = join(files.folder, `sshd_config_${port}`);
      writeFileSync(config, configOf(files, port, options.lines ?? []));
      const said: string[] = [];
      const listening = Promise.withResolvers<boolean>();
      const running = startProcess(SSHD, ['-D', '-e', '-f', config], {
        watch: 'guard',
        onLine: (line) => {
          said.push(line);
          if (line.startsWith('Server listening')) listening.resolve(true);
        },
      });
      void running.exited.then(() => listening.resolve(false));
      if (await listening.promise) return new Sshd(running, port);
      // Between the look for a free port and its use somebody else may have taken it.
      if (options.port !== undefined || attempt === 5) throw new Error(`sshd did not start: ${said.join('\n')}`);
    }
  }

  /** Processes below sshd that run a worker of ours; newest last. */
  get workers(): readonly number[] {
    return descendants(this.#process.pid).filter((pid) => commandOf(pid).includes('main.js worker'));
  }

  /** SIGKILL for it, its sessions and all that they run; resolves when all have ended. */
  async killed(): Promise<void> {
    for (let pids = this.#all(); pids.length > 0; pids = this.#all()) {
      for (const pid of pids) signal(pid, 'SIGKILL');
      await Promise.all(pids.map((pid) => processGone(pid, 30_000)));
    }
    await this.#process.exited;
  }

  #all(): readonly number[] {
    return descendants(this.#process.pid);
  }

  /** Sessions alone: whoever is connected is cut off, new connections are taken. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.killed();
  }
}

function configOf(files: SshFiles, port: number, lines: readonly string[]): string {
  return [
    ...lines,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${files.hostKey}`,
    `AuthorizedKeysFile ${files.identity}.pub`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
    '',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already.
  }
}

/** Parents before children. Zombies have ended. */
function descendants(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const stat = /^\d+$/.test(entry) ? read(`/proc/${entry}/stat`) : '';
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (parent === undefined || state === 'Z') continue;
    const of = children.get(Number(parent)) ?? [];
    of.push(Number(entry));
    children.set(Number(parent), of);
  }
  const found: number[] = [];
  const visit = (pid: number): void => {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      visit(child);
    }
  };
  visit(root);
  return found;
}

const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
