/** What the main thread and the heartbeat thread tell each other. */
export interface HeartbeatOptions {
  /** Address that heartbeats are answered on. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly incarnation: string;
}

export interface HeartbeatWorkerData extends HeartbeatOptions {
  /** One Int64: when the main thread's event loop turned last (`process.hrtime`, shared by the threads of a process). */
  readonly pulse: SharedArrayBuffer;
  readonly pulseMs: number;
}

export interface WatchTarget {
  readonly host: string;
  readonly port: number;
  readonly linkId: string;
  /** The peer's; another one there means that it was restarted. */
  readonly incarnation: string;
  readonly heartbeatMs: number;
  /** Silence after which the peer is gone. */
  readonly deadlineMs: number;
  /** The peer's process answers while its event loop stands still: for so long this is taken for life. */
  readonly maxLagMs: number;
  /** A refused connection proves that nothing listens there any more. */
  readonly sameHost: boolean;
}

/**
 * proof: the process has ended, was replaced or stands still. silence: its heartbeat port takes connections, or has, and
 * nothing answers. unreached: no connection ever came about; perhaps its heartbeat port cannot be reached from here.
 */
export type GoneEvidence = 'proof' | 'silence' | 'unreached';

export type ToHeartbeats =
  | { readonly type: 'watch'; readonly id: number; readonly target: WatchTarget }
  | { readonly type: 'unwatch'; readonly id: number }
  | { readonly type: 'expect'; readonly id: number; readonly linkId: string; readonly silenceMs: number }
  | { readonly type: 'unexpect'; readonly id: number }
  | { readonly type: 'close' };

export type FromHeartbeats =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'failed'; readonly reason: string }
  /** A watched peer is gone; it is not watched any more. */
  | { readonly type: 'gone'; readonly id: number; readonly reason: string; readonly evidence: GoneEvidence }
  | { readonly type: 'lag'; readonly id: number; readonly lagMs: number }
  /** An expected peer has not asked for `silenceMs`. */
  | { readonly type: 'silent'; readonly id: number };
