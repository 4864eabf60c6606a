import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addBody, callBody, curl, reduceBody, workerBody } from '../../support/compss-scripts.ts';
import { RunningAgent } from '../../support/running-agent.ts';
import { tempDir } from '../../support/temp-dir.ts';

const appPath = join(import.meta.dirname, '../fixtures/compss');
const LAUGHS = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><startApplication><className>&b;</className></startApplication>`;

let agent: RunningAgent;
let dir: ReturnType<typeof tempDir>;

beforeAll(async () => {
  dir = tempDir('bad-input');
  agent = await RunningAgent.start({ name: 'target', appPath, flags: [`--data-path=${dir.path}`] });
});
/** Whatever it was sent: it still works, and nothing of what it refused is there. */
afterAll(async () => {
  const { text } = await put('startApplication', callBody({ className: 'demo.ts', methodName: 'main', args: ['x'] }));
  const result = (await agent.get(`/COMPSs/applications/${text}/result?waitMs=10000`)) as { results: object[] };
  expect(result.results[0]).toMatchObject({ value: 'x' });
  const { resources } = (await agent.get('/COMPSs/resources')) as { resources: { name: string }[] };
  expect(resources.map(({ name }) => name)).toEqual(['target']);
  const { applications } = (await agent.get('/COMPSs/applications')) as { applications: { status: string }[] };
  // The three whose module or function was only found missing when they ran, and the one above.
  expect(applications.map(({ status }) => status).sort()).toEqual(['completed', 'failed', 'failed', 'failed']);
  await agent[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

const put = (operation: string, body: string, type?: string) =>
  curl('PUT', `${agent.listening.url}/COMPSs/${operation}`, body, type);
const json = (operation: string, body: unknown) => put(operation, JSON.stringify(body), 'application/json');
const NOT_SET_UP = 'Resource nobody was not set up for this agent. Ignoring request.';
const code = (text: string): unknown => {
  try {
    return (JSON.parse(text) as { code?: unknown }).code;
  } catch {
    // To whoever speaks XML: the code, then the message.
    return /^ERR_\w+/.exec(text)?.[0] ?? text;
  }
};
const call = (parameters: readonly object[]) => ({
  lang: 'JS',
  className: 'demo.ts',
  methodName: 'main',
  Parameters: parameters,
});

describe('bad input is refused with a code, and the agent goes on', () => {
  it.each([
    ['a function that is not there', callBody({ className: 'demo.ts', methodName: 'absent' }), 'ERR_FUNCTION_UNKNOWN'],
    ['a module that is not there', callBody({ className: 'absent.ts', methodName: 'main' }), 'ERR_MODULE_UNKNOWN'],
    [
      'a module outside the code path',
      callBody({ className: '../../../../package.json', methodName: 'main' }),
      'ERR_MODULE_OUTSIDE_CODE_PATH',
    ],
  ])('%s: the application fails with the reason, and its result is a 409', async (_, body, expected) => {
    const { status, text: id } = await put('startApplication', body);
    expect(status).toBe(200);
    const application = (await agent.get(`/COMPSs/applications/${id}?waitMs=10000`)) as { status: string };
    expect(application).toMatchObject({ status: 'failed', error: { code: expected } });
    const result = await curl('GET', `${agent.listening.url}/COMPSs/applications/${id}/result`);
    expect([result.status, code(result.text)]).toEqual([409, 'ERR_APPLICATION_NOT_COMPLETED']);
    expect(result.text).toContain(expected);
  });

  it.each([
    [
      'an unknown language',
      'startApplication',
      { lang: 'COBOL', className: 'x', methodName: 'y' },
      406,
      'ERR_LANGUAGE_UNSUPPORTED',
    ],
    [
      'an unknown type',
      'startApplication',
      call([{ type: 'COMPLEX_T', direction: 'IN', value: 1 }]),
      400,
      'ERR_REQUEST_INVALID',
    ],
    [
      'a value of another type',
      'startApplication',
      call([{ type: 'INT_T', direction: 'IN', value: 'many' }]),
      400,
      'ERR_REQUEST_INVALID',
    ],
    [
      'an unknown direction',
      'startApplication',
      call([{ type: 'INT_T', direction: 'SIDEWAYS', value: 1 }]),
      400,
      'ERR_REQUEST_INVALID',
    ],
    [
      'a path outside',
      'startApplication',
      call([{ type: 'FILE_T', direction: 'IN', value: '/etc/passwd' }]),
      403,
      'ERR_PATH_OUTSIDE',
    ],
    [
      'a prolog where none can run',
      'startApplication',
      { ...call([]), prolog: { binary: 'true' } },
      400,
      'ERR_REQUEST_INVALID',
    ],
    [
      'an unknown adaptor',
      'addResources',
      { name: 'n', adaptor: 'carrier.Pigeon', description: {} },
      400,
      'ERR_ADAPTOR_UNKNOWN',
    ],
    [
      'an unknown property',
      'addResources',
      { name: 'n', adaptor: 'rest', description: {}, resourcesConf: [{ Name: 'Prot', Value: '1' }] },
      400,
      'ERR_CONFIG_INVALID',
    ],
    [
      'a port that is none',
      'addResources',
      { name: 'n', adaptor: 'rest', description: {}, resourcesConf: [{ Name: 'Port', Value: 'x' }] },
      400,
      'ERR_CONFIG_INVALID',
    ],
    ['an unknown resource', 'removeNode', { workerName: 'nobody' }, 404, 'ERR_RESOURCE_UNKNOWN'],
    ['an end of no call', 'endApplication', { jobId: '5', endStatus: 'OK' }, 404, 'ERR_CALL_UNKNOWN'],
    [
      'an id that is none',
      'endApplication',
      { jobId: '99999999999999999999', endStatus: 'OK' },
      400,
      'ERR_REQUEST_INVALID',
    ],
  ] as const)('%s', async (_, operation, body, status, expected) => {
    const reply = await json(operation, body);
    expect([reply.status, code(reply.text)]).toEqual([status, expected]);
  });

  it.each([
    ['XML that is none', 'startApplication', '<startApplication><lang>', 400, 'ERR_REQUEST_MALFORMED'],
    ['another root', 'startApplication', workerBody('lostNode', 'x'), 400, 'ERR_REQUEST_MALFORMED'],
    ['entities that grow', 'startApplication', LAUGHS, 400, 'ERR_XML_DTD_REFUSED'],
    ['deep nesting', 'startApplication', '<a>'.repeat(500) + '</a>'.repeat(500), 400, 'ERR_REQUEST_MALFORMED'],
    ['an unknown node', 'removeResources', reduceBody('nobody', 1), 500, NOT_SET_UP],
    ['a lost node that nobody knows', 'lostNode', workerBody('lostNode', 'nobody'), 500, NOT_SET_UP],
    [
      'an adaptor of COMPSs that is not here',
      'addResources',
      addBody('n', 1, 'es.bsc.compss.Nothing', {}),
      500,
      'ERR_ADAPTOR_UNKNOWN',
    ],
    [
      'a value without its type',
      'startApplication',
      callBody({ className: 'x', methodName: 'y', args: ['z'] }).replace(/ xsi:type="xs:string"/, ''),
      400,
      'ERR_REQUEST_INVALID',
    ],
  ] as const)('%s, in XML', async (_, operation, body, status, expected) => {
    const reply = await put(operation, body);
    expect([reply.status, code(reply.text)]).toEqual([status, expected]);
  });

  it('JSON that is none, a type of content that is not read, a method, a path', async () => {
    const { url } = agent.listening;
    const replies = [
      await put('startApplication', '{"lang":', 'application/json'),
      await put('startApplication', '<a/>', 'text/xml'),
      await curl('GET', `${url}/COMPSs/startApplication`),
      await curl('GET', `${url}/COMPSs/nothing`),
      await curl('DELETE', `${url}/COMPSs/startApplication`, '<a', 'application/xml'),
      await curl('PUT', `${url}/COMPSs/nothing`, '{', 'application/json'),
      await curl('PUT', `${url}/COMPSs/nothing`, 'x', 'text/xml'),
    ];
    expect(replies.map(({ status, text }) => [status, code(text)])).toEqual([
      [400, 'ERR_REQUEST_MALFORMED'],
      [415, 'ERR_MEDIA_TYPE_UNSUPPORTED'],
      [405, 'ERR_METHOD_NOT_ALLOWED'],
      [404, 'ERR_ROUTE_UNKNOWN'],
      [405, 'ERR_METHOD_NOT_ALLOWED'],
      [404, 'ERR_ROUTE_UNKNOWN'],
      [404, 'ERR_ROUTE_UNKNOWN'],
    ]);
  });

  it.each(['with its length', 'in chunks'])('a body of 2 GB, sent %s: refused before it is read', async (how) => {
    const target = new URL('/COMPSs/startApplication', agent.listening.url);
    const length = how === 'in chunks' ? {} : { 'content-length': String(2 ** 31) };
    const sending = request(target, { method: 'PUT', headers: { 'content-type': 'application/json', ...length } });
    const chunk = Buffer.alloc(1 << 20, ' ');
    let sent = 0;
    const push = (): void => {
      while (!sending.destroyed && sent < 2 ** 31) {
        sent += chunk.length;
        if (!sending.write(chunk)) return;
      }
    };
    sending.on('drain', push).on('error', () => undefined);
    push();
    const [response] = (await once(sending, 'response')) as [
      { statusCode: number; on: (e: string, f: (c: Buffer) => void) => void },
    ];
    let text = '';
    response.on('data', (part) => (text += part.toString()));
    await once(response as unknown as NodeJS.EventEmitter, 'end');
    sending.destroy();
    expect([response.statusCode, code(text)]).toEqual([413, 'ERR_REQUEST_TOO_LARGE']);
    expect(sent).toBeLessThan(200 * 2 ** 20);
  });

  it('a port in use: the agent does not start, and says why', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    try {
      for (const flag of ['--rest-port', '--grpc-port', '--data-port']) {
        const starting = RunningAgent.start({ name: 'second', appPath, flags: [`${flag}=${port}`] });
        await expect(starting).rejects.toThrow(new RegExp(`127.0.0.1:${port}`));
      }
    } finally {
      taken.close();
    }
  });
});
