import { Agent, fetch, type RequestInit, type Response } from 'undici';
import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import type { IssuerHealth } from './authenticator.ts';
import type { OidcSettings } from './settings.ts';

const endpoint = z.url({ protocol: /^https?$/ });

const discoveryDocument = z.looseObject({
  issuer: z.string(),
  token_endpoint: endpoint,
  jwks_uri: endpoint.optional(),
  introspection_endpoint: endpoint.optional(),
  revocation_endpoint: endpoint.optional(),
  end_session_endpoint: endpoint.optional(),
});
export type Discovery = z.output<typeof discoveryDocument>;

/** An answer of the issuer that says no, as RFC 6749 writes it. */
export interface Refusal {
  readonly error: string;
  readonly description: string;
}

export type IssuerAnswer = { readonly body: unknown } | { readonly refusal: Refusal };

/** HTTP to the issuer: time-outs, bounded bodies, no redirects, discovery kept. */
export interface Issuer {
  discovery(): Promise<Discovery>;
  getJson(url: string): Promise<unknown>;
  /** A form with the client's own credentials. A 4xx is an answer; no answer is ERR_AUTH_UNAVAILABLE. */
  post(url: string, form: Readonly<Record<string, string>>): Promise<IssuerAnswer>;
  health(): IssuerHealth;
}

/**
 * No keep-alive: requests are rare, and a connection that died with the issuer would fail the first of them after its
 * return. A grant cannot simply be sent again, since a refresh token may be good for one use.
 */
const dispatcher = new Agent({ pipelining: 0 });

/** Discovery documents and key sets are a few KiB; more is an attack or an error page. */
const MAX_BODY_BYTES = 256 * 1024;
const DISCOVERY_MAX_AGE_MS = 3_600_000;

export function createIssuer(settings: OidcSettings): Issuer {
  let known: { readonly document: Discovery; readonly at: number } | undefined;
  let pending: Promise<Discovery> | undefined;
  let trouble: string | undefined;

  const unavailable = (reason: string, cause?: unknown): RuntimeError => {
    trouble = reason;
    return new RuntimeError('ERR_AUTH_UNAVAILABLE', { issuer: settings.issuer, reason }, { cause });
  };

  async function exchange(url: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
    try {
      const signal = AbortSignal.timeout(settings.timeoutMs);
      const response = await fetch(url, { ...init, dispatcher, redirect: 'error', signal });
      const text = await boundedText(response);
      if (response.status >= 500) throw new Error(`HTTP ${response.status}`);
      trouble = undefined;
      return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
    } catch (thrown) {
      throw unavailable(`${new URL(url).pathname}: ${reasonOf(thrown)}`, thrown);
    }
  }

  async function getJson(url: string): Promise<unknown> {
    const { status, body } = await exchange(url, { headers: { accept: 'application/json' } });
    if (status !== 200) throw unavailable(`${new URL(url).pathname}: HTTP ${status}`);
    return body;
  }

  async function discover(): Promise<Discovery> {
    const base = settings.issuer.replace(/\/$/, '');
    const parsed = discoveryDocument.safeParse(await getJson(`${base}/.well-known/openid-configuration`));
    if (!parsed.success) throw unavailable(`its discovery document is invalid: ${z.prettifyError(parsed.error)}`);
    if (parsed.data.issuer.replace(/\/$/, '') !== base) {
      throw unavailable(`its discovery document names another issuer, ${parsed.data.issuer}`);
    }
    known = { document: parsed.data, at: performance.now() };
    return parsed.data;
  }

  return {
    async discovery() {
      if (known !== undefined && performance.now() - known.at < DISCOVERY_MAX_AGE_MS) return known.document;
      pending ??= discover().finally(() => {
        pending = undefined;
      });
      try {
        return await pending;
      } catch (thrown) {
        // Endpoints hardly ever move: an old document beats none while the issuer is away.
        if (known !== undefined) return known.document;
        throw thrown;
      }
    },
    getJson,
    async post(url, form) {
      const body = new URLSearchParams({ ...form, ...clientCredentials(settings) });
      const answer = await exchange(url, { method: 'POST', body, headers: { accept: 'application/json' } });
      return answer.status < 400 ? { body: answer.body } : { refusal: refusalOf(answer.status, answer.body) };
    },
    health: () => (trouble === undefined ? { status: 'ok' } : { status: 'degraded', reason: trouble }),
  };
}

/** In the form, as the original's clients do (`client_secret_post`). */
const clientCredentials = ({ clientId, clientSecret }: OidcSettings): Record<string, string> => ({
  client_id: clientId,
  ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
});

async function boundedText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw new Error(`its answer is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const refusal = z.looseObject({ error: z.string(), error_description: z.string().default('') });

function refusalOf(status: number, body: unknown): Refusal {
  const parsed = refusal.safeParse(body);
  if (!parsed.success) return { error: `http_${status}`, description: '' };
  return { error: parsed.data.error, description: parsed.data.error_description };
}

/** `fetch failed` says nothing; its cause (ECONNREFUSED …) does. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === 'TimeoutError') return 'no answer in time';
  return thrown.cause instanceof Error ? thrown.cause.message || thrown.cause.name : thrown.message;
}
