import type { EndApplication } from '../../contracts/agent/model.ts';
import type { InvocationOutcome } from '../../runtime/model/outcome.ts';
import type { LaunchRequest } from '../../runtime/ports.ts';
import type { Body } from './rest-client.ts';

/** How an attempt is told to an agent, and its end understood. */
export interface Dialect {
  /** Body of startApplication. Rejects with a RuntimeError for what the dialect cannot carry. */
  start(request: LaunchRequest): Promise<Body>;
  /** Stores what came back. Rejects when it cannot be fetched: then the attempt is lost. */
  outcome(request: LaunchRequest, end: EndApplication): Promise<InvocationOutcome>;
  /** The agent stops its code when it is told to, and says when it has. */
  readonly cancels: boolean;
  /** The agent ends what takes too long itself. */
  readonly timesOut: boolean;
}

/** Where the agent tells the end of a call. */
export const END_OPERATION = 'COMPSs/endApplication/';
