/**
 * `make demo-containers`: the demo in four containers on one bridge network, with a token file. Uses the Docker engine
 * that answers; without one, root gets one that lives as long as the demo. Ends with 77 and the reason when there can be
 * none. Reads what demo.ts reads, but for PORTS.
 */
import { join } from 'node:path';
import { engineMissing, openEngine } from './demo/engine.ts';
import { interruptible } from './interruptible.ts';
import { startProcess } from './process.ts';

const SKIPPED = 77;
const program = join(import.meta.dirname, 'demo/container-run.ts');

async function demo(signal: AbortSignal): Promise<number> {
  const missing = await engineMissing();
  if (missing !== undefined) {
    console.error(missing);
    return SKIPPED;
  }
  await using engine = await openEngine(signal);
  const [command = process.execPath, ...args] = [...engine.enter, process.execPath, '--conditions=source', program];
  await using run = startProcess(command, args, { watch: 'guard', graceMs: 60_000, env: engine.env });
  signal.addEventListener('abort', () => run.kill('SIGTERM'));
  const { code } = await run.exited;
  return code ?? 1;
}

process.exitCode = await interruptible(demo);
