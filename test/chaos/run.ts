/**
 * `npm run chaos -- [--minutes N] [--seed S]`: six agents in network namespaces, faults from a seeded schedule, programs
 * with known answers. See docs/chaos.md. Exit code 0: nothing wrong, lost or leaked; 77: namespaces are not permitted.
 *
 * Everything happens inside namespaces of processes, mounts and networks of their own, which the kernel takes down when
 * their first process (inside.ts) ends: nothing outlives this process, however that ends.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { interruptible } from '../../scripts/interruptible.ts';
import { startProcess } from '../../scripts/process.ts';
import { parseChaosOptions } from './options.ts';

const SKIPPED = 77;
const out = join(import.meta.dirname, '../../out/chaos');
const root = process.getuid?.() === 0 ? [] : ['--map-root-user'];
const namespaces = [...root, '--net', '--mount', '--pid', '--ipc', '--fork', '--kill-child', '--mount-proc'];

/** What must be there: the reason why it is not. */
function missing(): string | undefined {
  const probes = ['ip link add br0 type bridge', 'iptables -L -n', 'mount -t tmpfs none /run', 'test -c /dev/net/tun'];
  for (const probe of probes) {
    const { status, stderr, error } = spawnSync('unshare', [...namespaces, 'sh', '-c', probe], { encoding: 'utf8' });
    if (error !== undefined) return error.message;
    if (status !== 0) return `${probe}: ${stderr.trim() || `ended with ${status}`}`;
  }
  return undefined;
}

async function chaos(signal: AbortSignal): Promise<number> {
  const options = parseChaosOptions(process.argv.slice(2));
  const reason = missing();
  if (reason !== undefined) {
    console.log(`chaos skipped: no network namespaces here: ${reason}`);
    return SKIPPED;
  }
  mkdirSync(join(out, 'scratch'), { recursive: true });
  const inside = join(import.meta.dirname, 'inside.ts');
  const program = [process.execPath, '--conditions=source', '--disable-warning=ExperimentalWarning', inside];
  const child = startProcess('unshare', [...namespaces, ...program, JSON.stringify({ ...options, out })], {
    watch: 'stdin',
  });
  // The kernel ends everything inside with it, so there is nothing to wait for.
  signal.addEventListener('abort', () => child.kill('SIGKILL'));
  return (await child.exited).code ?? 1;
}

process.exitCode = await interruptible(chaos);
