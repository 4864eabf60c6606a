import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';

/**
 * A PostgreSQL of the test's own: a data directory in a temporary folder, reachable only through a UNIX socket there.
 * The server dies with this process, also when it is killed.
 */
export interface PostgresServer extends AsyncDisposable {
  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string>;
  /** Ends the server as a crash would: no checkpoint, connections cut. */
  crash(): Promise<void>;
  /** Starts it again on the same data. */
  restart(): Promise<void>;
}

const VERSIONED = '/usr/lib/postgresql';

/** Debian keeps the server's programs out of the path, one folder per version. */
function findPrograms(): string | undefined {
  const versions = existsSync(VERSIONED) ? readdirSync(VERSIONED).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(VERSIONED, version, 'bin')), ...pathFolders()];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

const pathFolders = (): readonly string[] => (process.env['PATH'] ?? '').split(delimiter);

/** PostgreSQL refuses to run as root; another user is needed then. */
function findUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout?.trim());
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** Why there can be no server here, or undefined when there can. */
export function postgresProblem(): string | undefined {
  if (findPrograms() === undefined) return 'PostgreSQL is not installed (Debian: postgresql-15)';
  if (findUser() === undefined) return 'no unprivileged user to run PostgreSQL as';
  if (spawnSync('setpriv', ['--version']).error) return 'setpriv (util-linux) is not installed';
  return undefined;
}

const START_DEADLINE_MS = 20_000;
const POLL_MS = 25;

export async function startPostgres(): Promise<PostgresServer> {
  const programs = findPrograms();
  const user = findUser();
  if (programs === undefined || user === undefined) throw new Error(postgresProblem());
  const folder = mkdtempSync(join(tmpdir(), 'metakernel-pg-'));
  execFileSync('chown', [`${user.uid}:${user.gid}`, folder]);
  const data = join(folder, 'data');
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'test', '--auth=trust', '--no-sync', '--encoding=UTF8'], {
    ...user,
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  let server = await runServer(programs, data, folder, user);
  let databases = 0;
  return {
    createDatabase: async () => {
      databases += 1;
      const name = `test_${databases}`;
      await asAdministrator(folder, (client) => client.query(`create database ${name} template template0`));
      return urlOf(folder, name);
    },
    crash: () => stopServer(server, 'SIGQUIT'),
    restart: async () => {
      server = await runServer(programs, data, folder, user);
    },
    [Symbol.asyncDispose]: async () => {
      await stopServer(server, 'SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const urlOf = (folder: string, database: string): string =>
  `postgres://test@localhost/${database}?host=${encodeURIComponent(folder)}`;

type Server = ReturnType<typeof spawn>;

async function runServer(
  programs: string,
  data: string,
  folder: string,
  user: { readonly uid: number; readonly gid: number },
): Promise<Server> {
  // The kernel sends the signal when this process ends, however it ends; SIGINT is a fast shutdown.
  const identity = process.getuid?.() === 0 ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
  const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, 'max_connections=200'];
  const server = spawn(
    'setpriv',
    [
      ...identity,
      '--pdeathsig=INT',
      join(programs, 'postgres'),
      '-D',
      data,
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  server.stderr?.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    const problem = await asAdministrator(folder, (client) => client.query('select 1')).then(
      () => undefined,
      (thrown: unknown) => String(thrown),
    );
    if (problem === undefined) return server;
    if (server.exitCode !== null || Date.now() > deadline)
      throw new Error(`PostgreSQL did not start: ${problem}\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function asAdministrator(folder: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(folder, 'postgres') });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function stopServer(server: Server, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill(signal);
  await ended;
}
