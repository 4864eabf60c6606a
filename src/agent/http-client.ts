import type { Agent } from 'undici';
import type { TlsSource } from '../common/tls.ts';

/** Nothing of an answer but its status is used. */
const MOST_ANSWER = 1 << 20;

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
  readonly security: { readonly token?: string; readonly tls?: TlsSource };
  /** The token is sent only to hosts that are ours: a request can name any host as its orchestrator. */
  readonly trusts: (host: string) => boolean;
}

export function createAgentClient({ timeoutMs, security, trusts }: AgentClientOptions): AgentClient {
  const { token, tls } = security;
  return {
    async call(method, url, body, signal) {
      const { Agent, request } = await import('undici');
      const timeout = AbortSignal.timeout(timeoutMs);
      const known = token !== undefined && trusts(new URL(url).hostname.replace(/^\[|\]$/g, ''));
      // Calls are few: a connection for each shows the certificate of its time.
      await using agent = closing(new Agent({ connect: { ...tls?.material }, maxResponseSize: MOST_ANSWER }));
      const response = await request(url, {
        method,
        dispatcher: agent.value,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': `application/${body.format}` }),
          ...(known ? { authorization: `Bearer ${token}` } : {}),
        },
        ...(body === undefined ? {} : { body: body.text }),
      });
      await response.body.dump();
      return response.statusCode;
    },
  };
}

const closing = (agent: Agent): AsyncDisposable & { readonly value: Agent } => ({
  value: agent,
  [Symbol.asyncDispose]: () => agent.destroy(),
});
