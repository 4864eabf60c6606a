/** `metakernel worker`: a worker as this process. */
import { rmSync } from 'node:fs';
import { endWithParent, untilSignal } from '../ending.ts';
import { EXIT } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
import { isSwitch, printSettings } from './agent.ts';

export async function worker(argv: readonly string[], invocation: Invocation): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) return printSettings(invocation, ['worker [OPTIONS]']);
  const { env, cwd, terminal } = invocation;
  const [{ loadAgentConfig }, { describeFatal }, { startWorker }, { createLogger }] = await Promise.all([
    import('../../agent/config/config.ts'),
    import('../../agent/agent.ts'),
    import('../../agent/worker.ts'),
    import('../../telemetry/logger.ts'),
  ]);
  const config = loadAgentConfig({ argv: argv.filter((word) => !isSwitch(word)), env, cwd });
  const logger = createLogger({ level: config.logLevel, name: config.name });
  const signalled = untilSignal();
  if (argv.includes('--exit-with-parent')) endWithParent();
  const onFatal = (error: unknown): void => {
    logger.error(describeFatal(error), 'the scheduler is broken: the worker ends');
    process.exit(EXIT.failed);
  };
  const running = await startWorker({ config, logger, onFatal });
  // A starter that has made the file for this one process alone.
  if (argv.includes('--forget-token-file') && config.tokenFile !== undefined) rmSync(config.tokenFile, { force: true });
  const { grpcPort, dataPort, heartbeatPort } = running;
  const ports = { name: config.name, pid: process.pid, grpcPort, dataPort, heartbeatPort };
  const text = `Worker ${config.name} listens on ${config.host} (link ${grpcPort}, data ${dataPort})`;
  terminal.out(argv.includes('--json') ? JSON.stringify(ports) : text);
  await signalled;
  await running[Symbol.asyncDispose]();
  return EXIT.ok;
}
