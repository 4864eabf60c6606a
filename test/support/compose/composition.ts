import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importBaseImage } from '../../../scripts/demo/base-image.ts';
import { docker, isThere, output } from '../../../scripts/demo/docker.ts';

const root = join(import.meta.dirname, '../../..');
const FILES = [join(root, 'deploy/compose/compose.yaml'), join(import.meta.dirname, 'local.yaml')];
const BASE = 'metakernel-base:local';
const TIER = 'metakernel:local';
const FOLDERS = 'metakernel-folders:local';

/** Docker Compose as it is installed here: the plugin, or the program of its own; undefined where there is none. */
export async function findCompose(): Promise<readonly string[] | undefined> {
  if (await isThere('docker', ['compose', 'version'])) return ['docker', 'compose'];
  return (await isThere('docker-compose', ['version'])) ? ['docker-compose'] : undefined;
}

export const SECRETS = {
  POSTGRES_PASSWORD: 'database-password',
  CLIENT_SECRET: 'client-secret',
  ISSUER_ADMIN_PASSWORD: 'unused-here',
  FIRST_USER_PASSWORD: 'first-password',
} as const;

/** The services of deploy/compose/compose.yaml, up; disposing takes containers, networks and volumes away. */
export interface Composition extends AsyncDisposable {
  run(...args: readonly string[]): Promise<string>;
  /** Where a port of a service is published. */
  url(service: string, port: number): Promise<string>;
}

export async function startComposition(compose: readonly string[], signal: AbortSignal): Promise<Composition> {
  await importBaseImage(BASE, signal);
  await docker(['build', '--quiet', '--build-arg', `BASE=${BASE}`, '--tag', TIER, root], signal);
  await importFolders(signal);
  const [program = '', ...words] = compose;
  const project = `mk-compose-${process.pid}`;
  const files = FILES.flatMap((file) => ['--file', file]);
  // Compose takes its variables from its environment.
  Object.assign(process.env, SECRETS, {
    IMAGE: FOLDERS,
    METAKERNEL_BASE: BASE,
    ISSUER_URL: 'http://issuer:8080',
    // Any free port.
    SHELL_AT: '127.0.0.1:',
    LIGHTHOUSE_AT: '127.0.0.1:',
  });
  const run = (...args: readonly string[]): Promise<string> =>
    output(program, [...words, '--project-name', project, ...files, ...args]);
  const down = async (): Promise<void> => void (await run('down', '--volumes', '--timeout', '20'));
  try {
    await run('up', '--detach', '--no-build');
  } catch (thrown) {
    await down();
    throw thrown;
  }
  return {
    run,
    url: async (service, port) => `http://${await run('port', service, String(port))}`,
    [Symbol.asyncDispose]: down,
  };
}

/** An image of empty folders: what is mounted over /usr is this machine's. */
async function importFolders(signal: AbortSignal): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mk-base-'));
  try {
    const rootFolder = join(folder, 'root');
    for (const path of ['usr', 'etc/prometheus', 'tmp', 'prometheus', 'var/lib/postgresql/data']) {
      mkdirSync(join(rootFolder, path), { recursive: true });
    }
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(rootFolder, name));
    writeFileSync(join(rootFolder, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/tmp:/bin/sh\n');
    writeFileSync(join(rootFolder, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
    const archive = join(folder, 'folders.tar');
    await output('tar', ['--owner=0', '--group=0', '--mode=a+rwX', '-C', rootFolder, '-cf', archive, '.'], signal);
    await docker(['import', archive, FOLDERS], signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
