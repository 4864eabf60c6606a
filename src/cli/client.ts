/** The REST interface of an agent, as the commands use it. */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { errorReply } from '../contracts/agent/views.ts';
import { CliError, EXIT } from './exit.ts';

export interface Connection {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
}

export const DEFAULT_AGENT = 'http://127.0.0.1:46101';

/** `host:port` and `host` are completed. */
export function connectionOf(
  agent: string | undefined,
  tokenFile: string | undefined,
  env: NodeJS.ProcessEnv,
): Connection {
  const given = agent ?? env['METAKERNEL_AGENT'] ?? DEFAULT_AGENT;
  const url = URL.parse(/^https?:\/\//.test(given) ? given : `http://${given}`);
  if (url === null) throw new CliError(`${given} is not the address of an agent`, EXIT.usage);
  if (url.port === '' && !given.startsWith('https')) url.port = '46101';
  return { url: url.href.replace(/\/+$/, ''), token: tokenOf(tokenFile ?? env['METAKERNEL_TOKEN_FILE'], env) };
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

  async #send(
    path: string,
    { method = 'GET', body, accept = 'application/json', headers, signal }: Call,
  ): Promise<Response> {
    const { url, token } = this.connection;
    try {
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
