/** The shell backend of a controller, as the shell uses it. */
import { z } from 'zod';
import { CliError, EXIT } from '../exit.ts';

export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: string | object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer<T> {
  readonly value: T;
  /** As it came, for --json: members that this shell does not know are in it. */
  readonly raw: unknown;
  /** The path of the next page, when there is one. */
  readonly next: string | undefined;
}

const refusalBody = z.object({ error: z.string(), code: z.string().optional(), field: z.string().optional() });
const NEXT = /<([^>]*)>; rel="next"/;
const RETRIES = 20;
const RETRY_MS = 500;

export class ControllerApi {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** `token` is a refresh token, as a log-in gives it; `accessToken` comes from elsewhere and goes before it. */
  constructor(url: string, token: string | undefined, accessToken: string | undefined) {
    this.url = url;
    this.#headers =
      accessToken !== undefined
        ? { authorization: `Bearer ${accessToken}` }
        : token === undefined
          ? {}
          : { api_key: token };
  }

  async json<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    call: ApiCall = {},
  ): Promise<Answer<z.output<Schema>>> {
    const response = await this.#send(path, call);
    if (!response.ok) throw await refusalOf(response);
    const text = await response.text();
    const raw: unknown = text === '' ? undefined : JSON.parse(text);
    const parsed = schema.safeParse(raw);
    if (parsed.success) {
      return { value: parsed.data, raw, next: NEXT.exec(response.headers.get('link') ?? '')?.[1] };
    }
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new CliError(`${this.url} answered with something else than a controller does (${where})`);
  }

  /** All pages of a list. */
  async pages<Item extends z.ZodType>(path: string, item: Item): Promise<readonly Answer<z.output<Item>>[]> {
    const items: Answer<z.output<Item>>[] = [];
    for (let at: string | undefined = path; at !== undefined; ) {
      const page: Answer<z.output<Item>[]> = await this.json(at, z.array(item));
      const raws = page.raw as readonly unknown[];
      items.push(...page.value.map((value, index) => ({ value, raw: raws[index], next: undefined })));
      at = page.next;
    }
    return items;
  }

  /** Server-sent events until the stream ends for good. A cut connection is taken up again: the state comes anew. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<{ readonly event: string; readonly data: unknown }> {
    for (let failures = 0, known = false; failures <= RETRIES; failures += 1) {
      try {
        const response = await this.#send(path, { headers: { accept: 'text/event-stream' } }, signal);
        if (response.status === 404 && known) return;
        if (!response.ok) throw await refusalOf(response);
        for await (const event of readEvents(response)) {
          failures = 0;
          known = true;
          yield event;
        }
      } catch (thrown) {
        if (signal.aborted) return;
        if (!known || (thrown instanceof CliError && thrown.exitCode !== EXIT.unreachable)) throw thrown;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    throw new CliError(`the controller at ${this.url} no longer answers`, EXIT.unreachable);
  }

  async #send(path: string, { method = 'GET', body, headers }: ApiCall, signal?: AbortSignal): Promise<Response> {
    const isText = typeof body === 'string';
    try {
      return await fetch(this.url + path, {
        method,
        headers: {
          accept: 'application/json',
          ...this.#headers,
          ...(body === undefined ? {} : { 'content-type': isText ? 'application/x-yaml' : 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (thrown) {
      if (signal?.aborted === true) throw thrown;
      const { cause } = thrown as { cause?: { code?: string; message?: string } };
      const reason = cause?.code ?? cause?.message ?? String(thrown);
      throw new CliError(`no controller answers at ${this.url}: ${reason}`, EXIT.unreachable);
    }
  }
}

async function refusalOf(response: Response): Promise<CliError> {
  const text = await response.text();
  const parsed = refusalBody.safeParse(safeJson(text));
  if (!parsed.success) return new CliError(`HTTP ${response.status}: ${text.slice(0, 500)}`);
  const { error, code = `HTTP ${response.status}` } = parsed.data;
  const hint = response.status === 401 ? '; log in with: metakernel shell login' : '';
  return new CliError(`${error} (${code})${hint}`, EXIT.failed, parsed.data);
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* readEvents(response: Response): AsyncGenerator<{ readonly event: string; readonly data: unknown }> {
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of response.body ?? []) {
    buffer += decoder.decode(chunk as Uint8Array, { stream: true });
    const blocks = buffer.split('\n\n');
    buffer = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n');
      const data = lines.find((line) => line.startsWith('data: '));
      const event = lines.find((line) => line.startsWith('event: '));
      if (data !== undefined) yield { event: event?.slice(7) ?? 'message', data: JSON.parse(data.slice(6)) };
    }
  }
}
