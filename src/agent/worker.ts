/** A worker: a node that runs tasks of agents and has no pool, no REST interface and no applications of its own. */
import type { AgentOptions } from './agent.ts';
import { startParts } from './agent.ts';

export type WorkerOptions = Omit<AgentOptions, 'print' | 'nestedTasks'>;

export interface Worker extends AsyncDisposable {
  readonly grpcPort: number;
  readonly dataPort: number;
  readonly heartbeatPort: number;
}

/** Everything that was opened is closed again, also when a later part fails to start. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  await using opened = new AsyncDisposableStack();
  const { peers, mover, backend } = await startParts({ ...options, nestedTasks: false }, opened);
  const resources = opened.move();
  return {
    grpcPort: peers.port,
    dataPort: mover.port,
    heartbeatPort: peers.heartbeatPort,
    [Symbol.asyncDispose]: async () => {
      await backend.shutdown('its process ends');
      await resources.disposeAsync();
    },
  };
}
