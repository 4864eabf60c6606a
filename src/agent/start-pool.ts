import { setTimeout as pause } from 'node:timers/promises';
import { RuntimeError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { NewResource } from '../contracts/agent/model.ts';

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5_000;

export interface PoolOptions {
  readonly add: (node: NewResource) => Promise<void>;
  readonly logger: Logger;
  /** Aborted when the agent ends. */
  readonly signal: AbortSignal;
}

/** Adds the nodes of the configuration, each as soon as it can be reached; the agent need not wait for them. */
export function addPool(nodes: readonly NewResource[], options: PoolOptions): void {
  for (const node of nodes) void addNode(node, options);
}

async function addNode(node: NewResource, { add, logger, signal }: PoolOptions): Promise<void> {
  for (let delay = FIRST_RETRY_MS; !signal.aborted; delay = Math.min(LAST_RETRY_MS, 2 * delay)) {
    try {
      await add(node);
      return;
    } catch (error) {
      const fields = { node: node.name, error: error instanceof Error ? error.message : String(error) };
      if (!(error instanceof RuntimeError && error.retryable)) {
        logger.error(fields, 'a node of the pool file cannot be added');
        return;
      }
      logger.info(fields, 'a node of the pool file cannot be reached yet');
      await pause(delay, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}
