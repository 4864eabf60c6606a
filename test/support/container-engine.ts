import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startProcess } from '../../scripts/process.ts';
import { tempDir } from './temp-dir.ts';

const run = promisify(execFile);
const works = (command: string, args: readonly string[], env = process.env): Promise<boolean> =>
  run(command, args, { env }).then(
    () => true,
    () => false,
  );

/** Programs of the image; `sh` is the dash of this machine. */
const PROGRAMS = { sh: '/bin/dash', cat: '/bin/cat', sleep: '/bin/sleep', sort: '/usr/bin/sort' };

/** Why no engine can be started here; undefined when one can. */
export async function engineMissing(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root can start a Docker engine';
  for (const [command, flag] of [
    ['docker', '--version'],
    ['dockerd', '--version'],
    ['iptables', '--version'],
  ] as const) {
    if (!(await works(command, [flag]))) return `there is no ${command}`;
  }
  const rights = await works('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']);
  return rights ? undefined : 'no network namespace can be made';
}

/** A Docker engine in a network namespace of its own, which ends with this process. */
export class ContainerEngine implements AsyncDisposable {
  readonly host: string;
  readonly #cleanup: AsyncDisposableStack;

  private constructor(host: string, cleanup: AsyncDisposableStack) {
    this.host = host;
    this.#cleanup = cleanup;
  }

  static async start(): Promise<ContainerEngine> {
    await using opened = new AsyncDisposableStack();
    const path = mkdtempSync(join(tmpdir(), 'metakernel-test-engine-'));
    // Its mounts go a little after it has ended.
    opened.defer(() => rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
    const host = `unix://${join(path, 'docker.sock')}`;
    const folders = ['--data-root', join(path, 'data'), '--exec-root', join(path, 'exec')];
    const flags = [...folders, '--pidfile', join(path, 'pid'), '--host', host];
    const script = 'ip link set lo up && exec dockerd "$@"';
    const said: string[] = [];
    const daemon = opened.use(
      startProcess('unshare', ['--net', 'sh', '-c', script, 'dockerd', ...flags], {
        watch: 'guard',
        onLine: (line) => void said.push(line),
      }),
    );
    const engine = new ContainerEngine(host, opened.move());
    try {
      const deadline = performance.now() + 30_000;
      while (!(await works('docker', ['version'], engine.env))) {
        if (daemon.exit() !== undefined || performance.now() > deadline) throw new Error(said.slice(-10).join('\n'));
        await pause(50);
      }
      return engine;
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, DOCKER_HOST: this.host };
  }

  async docker(...args: readonly string[]): Promise<string> {
    return (await run('docker', args, { env: this.env })).stdout.trim();
  }

  /** An image of a few programs of this machine and their libraries: no registry is asked. */
  async makeImage(name: string): Promise<void> {
    using root = tempDir('image');
    const put = (from: string, to: string): void => {
      const path = join(root.path, to);
      mkdirSync(dirname(path), { recursive: true });
      copyFileSync(from, path);
    };
    for (const [program, path] of Object.entries(PROGRAMS)) {
      put(path, `/bin/${program}`);
      const { stdout } = await run('ldd', [path]);
      for (const [library] of stdout.matchAll(/\/\S+/g)) put(library, library);
    }
    const archive = `${root.path}.tar`;
    await run('tar', ['-C', root.path, '-cf', archive, '.']);
    try {
      await this.docker('import', archive, name);
    } finally {
      await run('rm', ['-f', archive]);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanup.disposeAsync();
  }
}
