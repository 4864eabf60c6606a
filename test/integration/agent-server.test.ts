import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadAgentConfig } from '../../src/agent/config/config.ts';
import { openSecurity } from '../../src/agent/security/agent-security.ts';
import { type RestServer, startRestServer } from '../../src/agent/server.ts';
import { silentLogger } from '../../src/common/logger.ts';
import { parseBody } from '../../src/contracts/agent/bodies.ts';
import type { ApplicationId } from '../../src/contracts/agent/model.ts';
import { RecordingBackend } from '../support/recording-backend.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mk-agent-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface Served {
  readonly server: RestServer;
  readonly backend: RecordingBackend;
  readonly printed: string[];
  readonly stopped: Promise<void>;
}

async function serve(...argv: string[]): Promise<Served> {
  const config = loadAgentConfig({ argv: ['--rest-port', '0', '--name', 'tester', ...argv], env: {}, cwd: tmpdir() });
  const backend = new RecordingBackend();
  const printed: string[] = [];
  const stopped = Promise.withResolvers<void>();
  const opened = new AsyncDisposableStack();
  cleanups.push(() => opened.disposeAsync());
  const server = await startRestServer({
    config,
    backend,
    logger: silentLogger,
    print: (line) => printed.push(line),
    onStopped: stopped.resolve,
    security: openSecurity(config, silentLogger, opened),
  });
  cleanups.push(() => server[Symbol.asyncDispose]());
  return { server, backend, printed, stopped: stopped.promise };
}

/** A server that answers as `answers` says, the last one for ever, and keeps what it got. */
async function listener(
  ...answers: number[]
): Promise<{ url: string; got: { method: string; url: string; body: string; token: string | undefined }[] }> {
  const got: { method: string; url: string; body: string; token: string | undefined }[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      got.push({ method: request.method ?? '', url: request.url ?? '', body, token: request.headers.authorization });
      response.statusCode = answers[Math.min(got.length, answers.length) - 1] ?? 200;
      response.end();
    });
  };
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, got };
}

const start = (url: string, body: object): Promise<Response> =>
  fetch(`${url}/COMPSs/startApplication`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ lang: 'JS', className: 'm', methodName: 'f', ...body }),
  });

describe('a body that is too large', () => {
  /** Sends until the other side has had enough; returns what it answered and how much went out. */
  async function flood(port: number, head: string, total: number): Promise<{ answer: string; sent: number }> {
    const socket: Socket = connect(port, '127.0.0.1');
    cleanups.push(() => socket.destroy());
    let answer = '';
    let open = true;
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    const closed = once(socket, 'close').then(() => {
      open = false;
    });
    await once(socket, 'connect');
    socket.write(head);
    const chunk = Buffer.alloc(1024 * 1024, 0x20);
    let sent = 0;
    for (; open && sent < total; sent += chunk.length) {
      if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    }
    await closed;
    return { answer, sent };
  }

  const GIGABYTE = 1024 ** 3;

  it.each([
    ['with its length given', `content-length: ${2 * GIGABYTE}\r\n`],
    ['in chunks', 'transfer-encoding: chunked\r\n'],
  ])('is cut early with 413 and in constant memory, %s', async (_, header) => {
    const { server } = await serve();
    const head = `PUT /COMPSs/startApplication HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/xml\r\n${header}\r\n`;
    const chunked = header.includes('chunked') ? `${(2 * GIGABYTE).toString(16)}\r\n` : '';
    const before = process.memoryUsage().rss;
    const { answer, sent } = await flood(server.port, head + chunked, 2 * GIGABYTE);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('ERR_REQUEST_TOO_LARGE');
    expect(sent).toBeLessThan(200 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

describe('ports and secrets', () => {
  it('says that a port is in use', async () => {
    const { server } = await serve();
    await expect(serve('--rest-port', String(server.port))).rejects.toMatchObject({
      code: 'ERR_PORT_UNAVAILABLE',
      message: expect.stringContaining('in use'),
    });
  });

  it('asks for a token, and for a role', async () => {
    const tokens = join(temporaryDirectory(), 'tokens');
    writeFileSync(tokens, '# people\nread reader-token-0123456\nadmin admin-token-01234567\n');
    const { server } = await serve('--token-file', tokens);
    const get = (path: string, token?: string): Promise<Response> =>
      fetch(server.url + path, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
    expect((await get('/healthz')).status).toBe(200);
    const none = await get('/COMPSs/resources');
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect((await get('/COMPSs/resources', 'wrong-token-012345678')).status).toBe(401);
    expect((await get('/COMPSs/resources', 'reader-token-0123456')).status).toBe(200);
    const stop = (token: string): Promise<Response> =>
      fetch(`${server.url}/COMPSs`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
    expect((await stop('reader-token-0123456')).status).toBe(403);
    expect((await stop('admin-token-01234567')).status).toBe(200);
  });

  it('refuses to be called by a name that is not its own', async () => {
    const { server } = await serve('--allowed-host', 'agent.example');
    const withHost = async (host: string): Promise<string> => {
      const socket = connect(server.port, '127.0.0.1');
      socket.end(`GET /COMPSs/resources HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return text.split('\r\n', 1)[0] ?? '';
    };
    expect(await withHost('evil.example')).toContain('403');
    expect(await withHost('agent.example:46101')).toContain('200');
    expect(await withHost(`localhost:${server.port}`)).toContain('200');
  });
});

describe('the end of an application', () => {
  it('is told to the orchestrator, again and again until it takes it', async () => {
    const { server, backend, printed } = await serve();
    const orchestrator = await listener(503, 503, 200);
    const host = `${orchestrator.url}/`;
    const answer = await start(server.url, {
      Parameters: [{ paramId: 0, type: 'FILE_T', direction: 'OUT', value: join(tmpdir(), 'x') }],
      orchestrator: { host, method: 'PUT', operation: 'COMPSs/endApplication/' },
    });
    const id = (await answer.text()) as ApplicationId;
    backend.complete(id, [
      { from: 'OUT', index: 0, path: '/w/x' },
      { from: 'return', index: 0, value: 1, locations: ['storage://a/1', 'storage://b/1'] },
    ]);
    await expect.poll(() => orchestrator.got.length, { timeout: 10_000 }).toBe(3);
    expect(orchestrator.got[2]).toMatchObject({ method: 'PUT', url: '/COMPSs/endApplication/', token: undefined });
    const end = parseBody('endApplication', 'xml', orchestrator.got[2]?.body ?? '');
    expect(end).toMatchObject({ jobId: id, endStatus: 'OK', results: [['/w/x'], ['storage://a/1', 'storage://b/1']] });
    expect(printed.at(-1)).toBe('Job completed after 250');
  });

  it('is told when it failed, and printed as such', async () => {
    const { server, backend, printed } = await serve();
    const orchestrator = await listener(200);
    for (const status of ['failed', 'lost', 'cancelled'] as const) {
      const answer = await start(server.url, { orchestrator: { host: orchestrator.url, operation: '/end' } });
      backend.move((await answer.text()) as ApplicationId, status);
    }
    await expect.poll(() => orchestrator.got.length).toBe(3);
    const statuses = orchestrator.got.map(({ body }) => parseBody('endApplication', 'xml', body).endStatus);
    expect(statuses).toEqual(['EXECUTION_FAILED', 'EXECUTION_FAILED', 'EXECUTION_FAILED']);
    expect(printed.filter((line) => line.startsWith('Job'))).toEqual([
      'Job failed after 250',
      'Job failed after 250',
      'Job cancelled after 250',
    ]);
  });

  it('outlives the process when there is a state directory', async () => {
    const state = temporaryDirectory();
    const first = await serve('--state-dir', state);
    const away = await listener(200);
    const port = new URL(away.url).port;
    await cleanups.pop()?.();
    const answer = await start(first.server.url, {
      orchestrator: { host: `http://127.0.0.1:${port}`, operation: 'end' },
    });
    first.backend.move((await answer.text()) as ApplicationId, 'completed');
    await first.server[Symbol.asyncDispose]();
    const server = createServer((request, response) => {
      got.push(request.url);
      response.end();
    }).listen(Number(port), '127.0.0.1');
    const got: unknown[] = [];
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    await once(server, 'listening');
    await serve('--state-dir', state);
    await expect.poll(() => got).toEqual(['/end']);
  });

  it('stops the agents named, then this one, even when one of them is gone', async () => {
    const { server, backend, stopped } = await serve();
    const other = await listener(200);
    const answer = await start(server.url, {
      action: { actionName: 'stop', forwardTo: [other.url, 'http://127.0.0.1:1'] },
    });
    backend.move((await answer.text()) as ApplicationId, 'completed');
    await stopped;
    expect(other.got).toMatchObject([{ method: 'DELETE', url: '/COMPSs/' }]);
    expect(backend.calls.at(-1)?.method).toBe('shutdown');
  });

  it('shows its token only to agents of its pool', async () => {
    const tokens = join(temporaryDirectory(), 'tokens');
    writeFileSync(tokens, 'admin-token-01234567\n');
    const strange = await listener(200);
    const { server, backend } = await serve('--token-file', tokens);
    const call = (): Promise<Response> =>
      fetch(`${server.url}/COMPSs/startApplication`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', authorization: 'Bearer admin-token-01234567' },
        body: JSON.stringify({
          lang: 'JS',
          className: 'm',
          methodName: 'f',
          orchestrator: { host: strange.url, operation: 'end' },
        }),
      });
    backend.move((await (await call()).text()) as ApplicationId, 'completed');
    await expect.poll(() => strange.got.length).toBe(1);
    backend.pool = [{ ...backend.pool[0]!, description: { name: '127.0.0.1', scheme: 'rest', processors: [] } }];
    backend.move((await (await call()).text()) as ApplicationId, 'completed');
    await expect.poll(() => strange.got.length).toBe(2);
    expect(strange.got.map(({ token }) => token)).toEqual([undefined, 'Bearer admin-token-01234567']);
  });
});

describe('followers that leave', () => {
  it('leave nothing behind', async () => {
    const { server, backend } = await serve();
    const id = (await (await start(server.url, {})).text()) as ApplicationId;
    const leave = new AbortController();
    const events = await fetch(`${server.url}/COMPSs/applications/${id}/events`, { signal: leave.signal });
    const logs = await fetch(`${server.url}/COMPSs/applications/${id}/logs?follow=true`, { signal: leave.signal });
    expect([events.status, logs.status]).toEqual([200, 200]);
    const own = 1;
    expect(backend.listeners).toBe(own + 1);
    leave.abort();
    await expect.poll(() => backend.listeners).toBe(own);
  });
});
