export interface CallBody {
  readonly text: string;
  readonly format: 'xml' | 'json';
}

/** Calls that the agent makes to other agents. */
export interface AgentClient {
  /** The HTTP status. Rejects when there is no answer within `timeoutMs`. */
  call(method: 'PUT' | 'DELETE', url: string, body: CallBody | undefined, signal?: AbortSignal): Promise<number>;
}

export interface AgentClientOptions {
  readonly timeoutMs: number;
  /** Sent only to hosts that `trusts` says are ours: a request can name any host as its orchestrator. */
  readonly token?: string;
  readonly trusts: (host: string) => boolean;
}

export function createAgentClient({ timeoutMs, token, trusts }: AgentClientOptions): AgentClient {
  return {
    async call(method, url, body, signal) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const known = token !== undefined && trusts(new URL(url).hostname.replace(/^\[|\]$/g, ''));
      const response = await fetch(url, {
        method,
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': `application/${body.format}` }),
          ...(known ? { authorization: `Bearer ${token}` } : {}),
        },
        ...(body === undefined ? {} : { body: body.text }),
      });
      await response.body?.cancel();
      return response.status;
    },
  };
}
