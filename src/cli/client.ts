/** The REST interface of an agent, as the commands use it. */
import { readFileSync } from 'node:fs';
import type { Agent } from 'undici';
import type { z } from 'zod';
import { errorReply } from '../contracts/agent/views.ts';
import { CliError, EXIT } from './exit.ts';

export interface Connection {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
  /** PEM; absent: public roots, and no certificate of our own. */
  readonly tls?: ClientCertificates | undefined;
}

export interface ClientCertificates {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** As options or variables say; the names of files. */
export interface ConnectionOptions {
  readonly agent: string | undefined;
  readonly tokenFile: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export const DEFAULT_AGENT = 'http://127.0.0.1:46101';

/** `host:port` and `host` are completed: with https when there are certificates. */
export function connectionOf(options: ConnectionOptions, env: NodeJS.ProcessEnv): Connection {
  const tls = certificatesOf(options, env);
  const given = options.agent ?? env['METAKERNEL_AGENT'] ?? DEFAULT_AGENT;
  const scheme = tls === undefined ? 'http' : 'https';
  const url = URL.parse(/^https?:\/\//.test(given) ? given : `${scheme}://${given}`);
  if (url === null) throw new CliError(`${given} is not the address of an agent`, EXIT.usage);
  if (url.port === '' && !given.startsWith('https')) url.port = '46101';
  const token = tokenOf(options.tokenFile ?? env['METAKERNEL_TOKEN_FILE'], env);
  return { url: url.href.replace(/\/+$/, ''), token, tls };
}

function certificatesOf({ ca, cert, key }: ConnectionOptions, env: NodeJS.ProcessEnv): ClientCertificates | undefined {
  const files = {
    ca: ca ?? env['METAKERNEL_CA'],
    cert: cert ?? env['METAKERNEL_CERT'],
    key: key ?? env['METAKERNEL_KEY'],
  };
  if ((files.cert === undefined) !== (files.key === undefined))
    throw new CliError('--cert and --key go together', EXIT.usage);
  const read = Object.entries(files).flatMap(([name, file]) => (file === undefined ? [] : [[name, readPem(file)]]));
  return read.length === 0 ? undefined : (Object.fromEntries(read) as ClientCertificates);
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${String(error)}`, EXIT.usage);
  }
}

/** The last token of the file that may do most: its first line without a role, or of admin, run, read in this order. */
function tokenOf(file: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  if (file === undefined) return env['METAKERNEL_TOKEN'];
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`the token file ${file} cannot be read: ${String(error)}`, EXIT.usage);
  }
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const words = lines.map((line) => line.split(/\s+/));
  const best =
    words.find((line) => line.length === 1 || line[0] === 'admin') ??
    words.find((line) => line[0] === 'run') ??
    words[0];
  return best?.at(-1);
}

export interface Call {
  readonly method?: 'GET' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export class AgentClient {
  readonly connection: Connection;
  #dispatcher: Agent | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Throws CliError for everything but a success. */
  async request(path: string, call: Call = {}): Promise<Response> {
    const response = await this.#send(path, call);
    if (response.ok) return response;
    throw await refusal(response);
  }

  async json<Schema extends z.ZodType>(path: string, schema: Schema, call: Call = {}): Promise<z.output<Schema>> {
    const response = await this.request(path, { accept: 'application/json', ...call });
    const parsed = schema.safeParse(await response.json());
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new CliError(`${this.connection.url} answered with something else than an agent does (${where})`);
  }

  async text(path: string, call: Call = {}): Promise<string> {
    return (await this.request(path, call)).text();
  }

  /** That of Node.js, but for certificates: it takes none. */
  async #fetch(): Promise<{ readonly fetch: typeof fetch; readonly dispatcher: object }> {
    const { tls } = this.connection;
    if (tls === undefined) return { fetch, dispatcher: {} };
    const undici = await import('undici');
    this.#dispatcher ??= new undici.Agent({ connect: { ...tls } });
    return { fetch: undici.fetch as unknown as typeof fetch, dispatcher: { dispatcher: this.#dispatcher } };
  }

  async #send(
    path: string,
    { method = 'GET', body, accept = 'application/json', headers, signal }: Call,
  ): Promise<Response> {
    const { url, token } = this.connection;
    try {
      const { fetch, dispatcher } = await this.#fetch();
      return await fetch(url + path, {
        method,
        headers: {
          accept,
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
        ...dispatcher,
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new CliError(`no agent answers at ${url}: ${reasonOf(error)}`, EXIT.unreachable);
    }
  }
}

function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? String(error);
}

async function refusal(response: Response): Promise<CliError> {
  const text = await response.text();
  const parsed = errorReply.safeParse(safeJson(text));
  if (!parsed.success) return new CliError(`HTTP ${response.status}: ${text.slice(0, 500)}`);
  return new CliError(`${parsed.data.message} (${parsed.data.code})`, EXIT.failed, parsed.data);
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
