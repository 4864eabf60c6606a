import { randomBytes } from 'node:crypto';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentClient } from '../../src/cli/client.ts';
import { commonFlags, errorsOf, startAgentCommand } from './agents.ts';
import { docker } from './docker.ts';
import type { ReportedAgent } from './report.ts';

/** The user of the image, and of the token file when root starts the containers. */
const IMAGE_USER = 1000;
const REST_PORT = 46_101;
export const GRPC_PORT = 46_102;
const TOKEN_AT = '/run/metakernel/token';

/** A token that all agents of a demo share, in a file that they alone can read. */
export interface SharedToken extends Disposable {
  readonly token: string;
  readonly file: string;
  /** Who containers run as, to be able to read it. */
  readonly user: string;
}

export function createToken(): SharedToken {
  const folder = mkdtempSync(join(tmpdir(), 'mk-token-'));
  const file = join(folder, 'token');
  const token = randomBytes(24).toString('hex');
  writeFileSync(file, `${token}\n`, { mode: 0o400 });
  const [uid = IMAGE_USER, gid = IMAGE_USER] = [process.getuid?.(), process.getgid?.()];
  const own = uid !== 0;
  if (!own) chownSync(file, IMAGE_USER, IMAGE_USER);
  return {
    token,
    file,
    user: own ? `${uid}:${gid}` : `${IMAGE_USER}:${IMAGE_USER}`,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A bridge network, on which containers find each other by name. */
export async function createNetwork(name: string): Promise<AsyncDisposable> {
  await docker(['network', 'create', name]);
  return { [Symbol.asyncDispose]: () => docker(['network', 'rm', name]).then(() => undefined) };
}

export interface ContainerOptions {
  readonly name: string;
  readonly image: string;
  readonly network: string;
  readonly cpus: number;
  readonly token: SharedToken;
  /** Read-only folders: [here, in the container]. */
  readonly volumes: readonly (readonly [from: string, to: string])[];
}

export type AgentContainer = ReportedAgent & AsyncDisposable;

/**
 * An agent in a container that sees nothing of this machine but its volumes and can write nothing but its own /tmp. The
 * container is tied to the docker command that started it, and that to us: the agent ends when its input is closed.
 */
export async function startAgentContainer(options: ContainerOptions): Promise<AgentContainer> {
  const { name, network, token } = options;
  const container = `${network}-${name}`;
  const agent = await startAgentCommand({
    name,
    command: 'docker',
    args: runArguments(options, container),
    onLine: errorsOf(name),
  });
  const address = await docker(['port', container, String(REST_PORT)]);
  const pid = Number(await docker(['inspect', '--format', '{{.State.Pid}}', container]));
  const client = new AgentClient({ url: `http://${address.split('\n')[0]}`, token: token.token });
  return { name, pid, client, [Symbol.asyncDispose]: agent[Symbol.asyncDispose] };
}

function runArguments({ name, image, network, cpus, token, volumes }: ContainerOptions, container: string): string[] {
  const mounts = [...volumes, [token.file, TOKEN_AT] as const].flatMap(([from, to]) => [
    '--volume',
    `${from}:${to}:ro`,
  ]);
  const isolation = ['--read-only', '--tmpfs', '/tmp:mode=1777', '--cap-drop', 'ALL', '--user', token.user];
  const place = ['--name', container, '--hostname', name, '--network', network, '--network-alias', name];
  const publish = ['--publish', `127.0.0.1::${REST_PORT}`];
  const flags = ['--host=0.0.0.0', `--advertise-host=${name}`, '--app-path=/app', `--token-file=${TOKEN_AT}`];
  return [
    ...['run', '--interactive', '--rm', ...place, ...publish, ...isolation, ...mounts],
    ...[image, 'agent', 'start', ...commonFlags(name, cpus), ...flags],
  ];
}
