import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, request } from 'undici';
import type { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import { REQUEST_ID_HEADER } from './request-id.ts';

/** A function where the address is known only once the other service listens: it is asked at each call. */
export type ServiceUrl = string | (() => string);

export interface PeerOptions {
  /** How the other service is called in errors and health answers: 'matchmaker'. */
  readonly name: string;
  readonly url: ServiceUrl;
  readonly timeoutMs?: number;
  readonly maxAnswerBytes?: number;
}

export interface PeerCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number>>;
  /** Text is sent as it is with `contentType`; anything else as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly token?: string | undefined;
  readonly requestId?: string;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PeerAnswer {
  readonly status: number;
  readonly contentType: string;
  /** RFC 8288, as it came. */
  readonly link: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface PeerStream {
  readonly status: number;
  readonly contentType: string;
  readonly body: Readable;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_ANSWER_BYTES = 64 << 20;

/** Another service over HTTP: keeps connections, bounds time and size, remembers whether it last answered. */
export class Peer implements AsyncDisposable {
  readonly name: string;
  readonly #url: ServiceUrl;
  readonly #maxAnswerBytes: number;
  readonly #dispatcher: Dispatcher;
  #problem: string | undefined;

  constructor(options: PeerOptions) {
    this.name = options.name;
    this.#url = options.url;
    this.#maxAnswerBytes = options.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES;
    const timeout = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#dispatcher = new Agent({ connectTimeout: timeout, headersTimeout: timeout, bodyTimeout: timeout });
  }

  /** Any status comes back as an answer; only no answer at all throws (ERR_PEER_UNAVAILABLE). */
  async call(call: PeerCall): Promise<PeerAnswer> {
    try {
      const { statusCode, headers, body } = await request(this.#urlOf(call), {
        dispatcher: this.#dispatcher,
        method: call.method,
        headers: headersOf(call),
        body: bodyOf(call),
      });
      const text = await this.#read(body);
      this.#problem = statusCode >= 500 ? `answered ${statusCode}` : undefined;
      const { link } = headers;
      return {
        status: statusCode,
        contentType: String(headers['content-type'] ?? ''),
        link: typeof link === 'string' ? link : undefined,
        headers,
        text,
      };
    } catch (thrown) {
      const reason = reasonOf(thrown);
      this.#problem = reason;
      throw new RuntimeError('ERR_PEER_UNAVAILABLE', { service: this.name, reason }, { cause: thrown });
    }
  }

  /** The answer while it comes, for as long as it takes. Ends when `signal` aborts. */
  async stream(call: PeerCall, signal: AbortSignal): Promise<PeerStream> {
    try {
      const { statusCode, headers, body } = await request(this.#urlOf(call), {
        dispatcher: this.#dispatcher,
        method: call.method,
        headers: headersOf(call),
        body: bodyOf(call),
        bodyTimeout: 0,
        signal,
      });
      return { status: statusCode, contentType: String(headers['content-type'] ?? ''), body };
    } catch (thrown) {
      const reason = reasonOf(thrown);
      this.#problem = reason;
      throw new RuntimeError('ERR_PEER_UNAVAILABLE', { service: this.name, reason }, { cause: thrown });
    }
  }

  /** The answer as `schema` has it. A status other than 2xx and a body that is none throw ERR_PEER_ANSWER. */
  async json<Schema extends z.ZodType>(call: PeerCall, schema: Schema): Promise<z.output<Schema>> {
    const answer = await this.call(call);
    if (answer.status < 200 || answer.status > 299)
      throw this.#badAnswer(`status ${answer.status}: ${excerpt(answer.text)}`);
    const parsed = schema.safeParse(parseJson(answer.text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw this.#badAnswer(`${issue?.path.join('.') ?? 'body'} ${issue?.message ?? ''}`);
  }

  /** For health answers: what was wrong when it was last called, if anything. */
  get problem(): string | undefined {
    return this.#problem;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  #badAnswer(reason: string): RuntimeError {
    return new RuntimeError('ERR_PEER_ANSWER', { service: this.name, reason });
  }

  #urlOf(call: PeerCall): string {
    const base = (typeof this.#url === 'string' ? this.#url : this.#url()).replace(/\/+$/, '');
    if (call.query === undefined) return base + call.path;
    const query = new URLSearchParams(
      Object.entries(call.query).map(([key, value]) => [key, String(value)] as [string, string]),
    );
    return `${base}${call.path}?${query.toString()}`;
  }

  async #read(body: Dispatcher.ResponseData['body']): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > this.#maxAnswerBytes) throw new Error(`the answer is longer than ${this.#maxAnswerBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

function headersOf(call: PeerCall): Record<string, string> {
  return {
    accept: 'application/json',
    ...call.headers,
    ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
    ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
    ...(call.requestId === undefined ? {} : { [REQUEST_ID_HEADER]: call.requestId }),
  };
}

const bodyOf = (call: PeerCall): string | null => {
  if (call.body === undefined) return null;
  return typeof call.body === 'string' && call.contentType !== undefined ? call.body : JSON.stringify(call.body);
};

const excerpt = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The code of a socket error says more than its text, which may be empty. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { code } = thrown as { code?: string };
  return code === undefined || thrown.message.includes(code) ? thrown.message : `${code} ${thrown.message}`.trim();
}
