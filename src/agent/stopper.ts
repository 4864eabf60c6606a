import type { Logger } from '../common/logger.ts';
import type { AgentClient } from './http-client.ts';

export interface StopperOptions {
  readonly client: AgentClient;
  readonly logger: Logger;
  /** Drains and stops this agent's runtime. */
  readonly shutdown: (reason: string) => Promise<void>;
  /** The runtime has stopped: what remains is the listener. */
  readonly onStopped: () => void;
}

/** Stops the agents named, one call each and all at once; when all have answered (or cannot), this agent itself. */
export function createStopper({
  client,
  logger,
  shutdown,
  onStopped,
}: StopperOptions): (forwardTo: readonly string[]) => Promise<void> {
  let stopping: Promise<void> | undefined;
  const stopOne = async (agent: string): Promise<void> => {
    const url = `${agent.replace(/\/+$/, '')}/COMPSs/`;
    try {
      const status = await client.call('DELETE', url, undefined);
      if (status !== 200) logger.warn({ url, status }, 'an agent did not take the order to stop');
    } catch (error) {
      logger.warn({ url, error: String(error) }, 'an agent could not be told to stop');
    }
  };
  const stop = async (forwardTo: readonly string[]): Promise<void> => {
    await Promise.all(forwardTo.map(stopOne));
    await shutdown('it was told to stop');
    onStopped();
  };
  return (forwardTo) => {
    stopping ??= stop(forwardTo);
    return stopping;
  };
}
