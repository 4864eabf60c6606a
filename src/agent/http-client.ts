import type { Agent, RequestInit as CertifiedInit } from 'undici';
import type { TlsMaterial, TlsSource } from '../common/tls.ts';

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
  const send = tls === undefined ? { fetch, options: async () => ({}) } : new CertifiedFetch(tls);
  return {
    async call(method, url, body, signal) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const known = token !== undefined && trusts(new URL(url).hostname.replace(/^\[|\]$/g, ''));
      const response = await send.fetch(url, {
        method,
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': `application/${body.format}` }),
          ...(known ? { authorization: `Bearer ${token}` } : {}),
        },
        ...(body === undefined ? {} : { body: body.text }),
        ...(await send.options()),
      });
      await response.body?.cancel();
      return response.status;
    },
  };
}

/** The fetch of Node.js shows no certificates: that of the library it comes from does, over connections that are kept. */
class CertifiedFetch {
  readonly #tls: TlsSource;
  #agent: Agent | undefined;
  #shown: TlsMaterial | undefined;

  constructor(tls: TlsSource) {
    this.#tls = tls;
  }

  readonly fetch: typeof fetch = async (url, init) => {
    const undici = await import('undici');
    return (await undici.fetch(url as string, init as unknown as CertifiedInit)) as unknown as Response;
  };

  /** Connections that show an older certificate end when they are idle. */
  async options(): Promise<{ readonly dispatcher: unknown }> {
    const { Agent } = await import('undici');
    const { material } = this.#tls;
    if (this.#shown !== material) {
      void this.#agent?.close();
      this.#agent = new Agent({ connect: { ...material } });
      this.#shown = material;
    }
    return { dispatcher: this.#agent };
  }
}
