import type { Agent, buildConnector } from 'undici';
import type { TlsSource } from '../../common/tls.ts';

export interface RestSecurity {
  /** Sent to every node of the pool: whoever added it trusts it. */
  readonly token?: string;
  readonly tls?: TlsSource;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Body {
  readonly format: 'xml' | 'json';
  readonly text: string;
}

/** Answers of agents are short; more is not read. */
const MOST_ANSWER = 1 << 20;
const CONNECTIONS = 32;
const CONNECT_MS = 5_000;

/** HTTP to one agent, over connections that are kept. */
export class RestClient {
  readonly #base: string;
  readonly #token: string | undefined;
  readonly #tls: RestSecurity['tls'];
  #agent: Agent | undefined;
  #closed = false;

  constructor(base: string, { token, tls }: RestSecurity) {
    this.#base = base;
    this.#token = token;
    this.#tls = tls;
  }

  /** Rejects when there is no answer within `timeoutMs`. */
  async send(method: 'GET' | 'PUT', path: string, body: Body | undefined, timeoutMs: number): Promise<Answer> {
    // The largest of our libraries, and most agents never call another over REST: it is loaded by who does.
    const { Agent, buildConnector, errors, request } = await import('undici');
    if (this.#closed) throw new errors.ClientDestroyedError();
    this.#agent ??= new Agent({
      connections: CONNECTIONS,
      connect: connector(buildConnector, this.#tls),
      maxResponseSize: MOST_ANSWER,
    });
    const response = await request(`${this.#base}${path}`, {
      method,
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: acceptOf(body),
        ...(body === undefined ? {} : { 'content-type': `application/${body.format}` }),
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      },
      ...(body === undefined ? {} : { body: body.text }),
    });
    return { status: response.statusCode, text: await response.body.text() };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#agent?.destroy();
  }
}

/** Every connection shows the certificate of its time. */
function connector(build: typeof buildConnector, tls: TlsSource | undefined): buildConnector.connector {
  let material = tls?.material;
  let connect = build({ timeout: CONNECT_MS, ...material });
  return (options, callback) => {
    if (tls !== undefined && tls.material !== material) {
      material = tls.material;
      connect = build({ timeout: CONNECT_MS, ...material });
    }
    connect(options, callback);
  };
}

/** An agent of COMPSs makes nothing for text/plain alone; one of ours would put the id into an object for JSON. */
const acceptOf = (body: Body | undefined): string =>
  body?.format === 'json' ? 'text/plain, application/json;q=0.5' : 'application/json, */*;q=0.5';

/** What went wrong, also where the error wraps the reason. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code === undefined ? (message ?? String(error)) : `${code}: ${message ?? ''}`;
}

/** Nothing listens there: the process is dead, and need not be waited for. */
export const isRefused = (error: unknown): boolean => (error as { code?: string }).code === 'ECONNREFUSED';
