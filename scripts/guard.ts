/**
 * Runs a program that knows nothing of us, and ends it with all its processes when whoever started the guard is gone:
 * `node guard.ts <grace ms> <program> [argument…]`. The starter holds the other end of the guard's standard input; the
 * kernel closes that pipe however the starter dies, SIGKILL included.
 *
 * The program gets a process group of its own: SIGTERM first, SIGKILL after the grace. The guard's exit code is the
 * program's, or 128 plus the number of the signal that ended it.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const [graceMs, program, ...args] = process.argv.slice(2);
const child = spawn(program!, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });

function signalGroup(signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal);
  } catch {
    // The group has ended already.
  }
}

let stopping = false;
function stop(signal: NodeJS.Signals): void {
  if (stopping || child.pid === undefined) return;
  stopping = true;
  signalGroup(signal);
  setTimeout(() => signalGroup('SIGKILL'), Number(graceMs));
}

process.stdin.on('end', () => stop('SIGTERM')).on('error', () => stop('SIGTERM'));
process.stdin.resume();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal));

child.on('error', (error) => {
  console.error(`${program}: ${error.message}`);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  signalGroup('SIGKILL');
  process.exit(code ?? 128 + constants.signals[signal!]);
});
