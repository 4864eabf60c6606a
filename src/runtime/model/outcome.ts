import type { ErrorInfo } from '../../common/errors.ts';
import type { Handle } from './ids.ts';

/** What an attempt says of one output, in the order: written accesses, then returns. */
export interface OutputReport {
  /** Encoded size. */
  readonly bytes: number;
  /** The value travelled with the report and is held by this agent; else it stays where the task ran. */
  readonly inline: boolean;
  /** The task returned a future of one of its own nested tasks: the output is that datum of the attempt's scope. */
  readonly delegatedTo?: Handle;
}

/**
 * How an attempt ended. `failed` is the user's code and follows `onFailure`; `lost` is the infrastructure's and is
 * retried elsewhere, uncharged; `recalled` means it never started and is ready again. `ranMs` is the time of the user's
 * code as the executor measured it (no queueing, no transfer): what mean durations are made of.
 */
export type InvocationOutcome =
  | { readonly status: 'completed'; readonly outputs: readonly OutputReport[]; readonly ranMs?: number }
  | { readonly status: 'failed'; readonly error: ErrorInfo; readonly ranMs?: number }
  /** COMPSsException: the task counts as completed, its groups are cancelled and their barrier throws. */
  | { readonly status: 'exception'; readonly error: ErrorInfo; readonly outputs: readonly OutputReport[] }
  | { readonly status: 'lost'; readonly reason: string }
  | { readonly status: 'cancelled' }
  | { readonly status: 'recalled' };

/** How a task ended, for whoever asked. */
export type TaskOutcome =
  /** `exception`: it threw a COMPSsException. `ranMs`: of its last attempt. */
  | { readonly status: 'completed'; readonly exception?: ErrorInfo; readonly ranMs?: number }
  | { readonly status: 'failed'; readonly error: ErrorInfo }
  | { readonly status: 'cancelled'; readonly reason: string };
