import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeError } from '../../../src/common/errors.ts';
import type { ApplicationId } from '../../../src/contracts/agent/model.ts';
import { createTestAgent, type TestAgent } from '../../support/agent-app.ts';
import * as golden from '../../support/agent-bodies.ts';

let agent: TestAgent;
beforeEach(async () => {
  agent = await createTestAgent();
});
afterEach(() => agent[Symbol.asyncDispose]());

type Headers = Record<string, string>;
const get = (url: string, headers: Headers = {}) => agent.app.inject({ method: 'GET', url, headers });
const putXml = (url: string, payload: string, headers: Headers = {}) =>
  agent.app.inject({ method: 'PUT', url, payload, headers: { 'content-type': 'application/xml', ...headers } });
const putJson = (url: string, payload: object, headers: Headers = {}) =>
  agent.app.inject({
    method: 'PUT',
    url,
    payload: JSON.stringify(payload),
    headers: { 'content-type': 'application/json', ...headers },
  });

const CALL = { lang: 'JS', className: 'm.ts', methodName: 'f' };

async function started(): Promise<ApplicationId> {
  const { body } = await putJson('/COMPSs/startApplication', CALL);
  return body as ApplicationId;
}

describe('the pool', () => {
  it('answers test with nothing and says so on stdout, slash or not', async () => {
    for (const url of ['/COMPSs/test', '/COMPSs/test/']) {
      expect(await get(url)).toMatchObject({ statusCode: 200, body: '' });
    }
    expect(agent.printed).toEqual(['test invoked', 'test invoked']);
  });

  it('shows the resources as COMPSs does, as text', async () => {
    const answer = await get('/COMPSs/resources', { accept: '*/*' });
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.json()).toEqual({
      time: 1_709_300_000_000,
      resources: [
        {
          name: 'tester',
          description: {
            processors: [{ name: 'MainProcessor', architecture: '[unassigned]', units: 2 }],
            memory_size: -1,
            memory_type: '[unassigned]',
            storage_size: -1,
            storage_type: '[unassigned]',
            storage_bandwidth: -1,
          },
          adaptor: 'es.bsc.compss.types.COMPSsMaster',
        },
      ],
    });
  });

  it('shows more of them as JSON', async () => {
    const answer = await get('/COMPSs/resources', { accept: 'application/json' });
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.json().resources[0]).toMatchObject({ state: 'active', freeCpus: 2, scheme: 'local' });
  });

  it('names the node classes of COMPSs', async () => {
    const self = agent.backend.pool[0]!;
    agent.backend.pool = ['grpc-agent', 'rest', 'grpc-worker'].map((scheme) => ({
      ...self,
      description: { ...self.description, scheme },
    }));
    const classes = (await get('/COMPSs/resources')).json().resources.map((row: { adaptor: string }) => row.adaptor);
    expect(classes).toEqual([
      'es.bsc.compss.agent.comm.CommAgentWorker',
      'es.bsc.compss.agent.rest.master.RemoteRESTAgent',
      'es.bsc.compss.nio.master.NIOWorkerNode',
    ]);
  });

  it('prints the pool on its own stdout', async () => {
    expect(await get('/COMPSs/printResources')).toMatchObject({ statusCode: 200, body: '' });
    expect(agent.printed.join('\n')).toMatch(
      /^TIMESTAMP = 1709300000000\nRESOURCES = \[\n\tRESOURCE = \[\n\t\tNAME = tester\n/,
    );
  });

  it('passes both forms of each change on', async () => {
    expect(await putXml('/COMPSs/addResources', golden.ADD_XML)).toMatchObject({ statusCode: 200, body: '' });
    await putJson('/COMPSs/addResources', golden.ADD_JSON);
    await putXml('/COMPSs/removeResources/', golden.REDUCE_XML);
    await putXml('/COMPSs/removeResource', golden.REDUCE_XML);
    await putJson('/COMPSs/removeResource', { workerName: 'a', resources: { processors: [{ name: 'p', units: 1 }] } });
    await putXml('/COMPSs/removeNode', golden.REMOVE_XML);
    await putXml('/COMPSs/lostNode', golden.LOST_XML);
    expect(agent.backend.calls.map((call) => call.method)).toEqual([
      'addResource',
      'addResource',
      'reduceResource',
      'reduceResource',
      'reduceResource',
      'removeNode',
      'lostNode',
    ]);
    expect(agent.backend.calls[0]?.argument).toMatchObject({ name: '10.0.0.9', resourceProperties: { Port: '46102' } });
  });

  it('tells in the words of COMPSs that a node is not known', async () => {
    agent.backend.failures.set('removeNode', new RuntimeError('ERR_RESOURCE_UNKNOWN', { name: 'x', known: 'tester' }));
    const answer = await putXml('/COMPSs/removeNode', golden.REMOVE_XML);
    expect(answer).toMatchObject({
      statusCode: 500,
      body: 'Resource x was not set up for this agent. Ignoring request.',
    });
    const json = await putJson('/COMPSs/removeNode', { workerName: 'x' });
    expect(json).toMatchObject({ statusCode: 404 });
    expect(json.json()).toMatchObject({ status: 404, code: 'ERR_RESOURCE_UNKNOWN' });
    expect(answer.headers['x-error-code']).toBe('ERR_RESOURCE_UNKNOWN');
  });
});

describe('calls', () => {
  it('answers with the id as text, and says on stdout what it runs', async () => {
    const answer = await putXml('/COMPSs/startApplication', golden.PYTHON_XML);
    expect(answer).toMatchObject({ statusCode: 200, body: '-5' });
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(agent.printed).toEqual(['Received REST call to run a PYTHON method']);
  });

  it('answers JSON with an object when it is accepted', async () => {
    const answer = await putJson('/COMPSs/startApplication', CALL, { accept: 'application/json' });
    expect(answer.json()).toEqual({ appId: '-5' });
  });

  it('answers a COMPSs agent, which accepts JSON and reads the whole body as id, with the bare id', async () => {
    const answer = await putXml('/COMPSs/startApplication', golden.TYPED_XML, { accept: 'application/json' });
    expect(answer.body).toBe('-5');
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
  });

  it('hands on the trace of the caller', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await putJson('/COMPSs/startApplication', CALL, { traceparent });
    expect(agent.backend.calls[0]?.argument).toMatchObject({ context: { trace: traceparent } });
  });

  it('refuses an unknown language with 406 and the documented text', async () => {
    const xml = await putXml('/COMPSs/startApplication', golden.PYTHON_XML.replace('PYTHON', 'COBOL'));
    expect(xml).toMatchObject({ statusCode: 406, body: 'Unsupported language.' });
    const json = await putJson('/COMPSs/startApplication', { ...CALL, lang: 'COBOL' });
    expect(json.json()).toMatchObject({
      status: 406,
      code: 'ERR_LANGUAGE_UNSUPPORTED',
      message: 'Unsupported language.',
    });
    expect(agent.printed).toEqual([]);
  });

  it('takes the end of a call, and says when it knows no such call', async () => {
    expect(await putXml('/COMPSs/endApplication/', golden.END_XML)).toMatchObject({ statusCode: 200 });
    const unknown = await putXml('/COMPSs/endApplication', golden.END_XML.replace('-123', '7'));
    expect(unknown).toMatchObject({ statusCode: 404 });
    expect(unknown.headers['x-error-code']).toBe('ERR_CALL_UNKNOWN');
  });

  it('stops on DELETE, whatever body comes with it', async () => {
    const answer = await agent.app.inject({
      method: 'DELETE',
      url: '/COMPSs/',
      payload: '<x>',
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect(answer).toMatchObject({ statusCode: 200, body: '' });
    expect(agent.stopped).toEqual([[]]);
  });

  it('asks for every file whether a request may name it', async () => {
    const refused = await createTestAgent({
      checkPath: (path, field) => {
        throw new RuntimeError('ERR_PATH_OUTSIDE', { path, field });
      },
    });
    const answer = await refused.app.inject({
      method: 'PUT',
      url: '/COMPSs/startApplication',
      payload: golden.TYPED_XML,
      headers: { 'content-type': 'application/xml', accept: 'application/json' },
    });
    expect(answer.json()).toMatchObject({ status: 403, code: 'ERR_PATH_OUTSIDE', field: 'parameters[1].value' });
    expect(refused.backend.calls).toEqual([]);
    await refused[Symbol.asyncDispose]();
  });
});

describe('applications', () => {
  it('lists them and shows one', async () => {
    const id = await started();
    expect((await get('/COMPSs/applications?limit=5')).json().applications).toHaveLength(1);
    expect((await get(`/COMPSs/applications/${id}`)).json()).toMatchObject({
      appId: id,
      status: 'accepted',
      lang: 'JS',
    });
    expect(await get('/COMPSs/applications/99')).toMatchObject({ statusCode: 404 });
    expect(await get('/COMPSs/applications/nonsense')).toMatchObject({ statusCode: 404 });
  });

  it('waits for the end when asked to', async () => {
    const id = await started();
    const waiting = get(`/COMPSs/applications/${id}?waitMs=60000`);
    await expect.poll(() => agent.backend.listeners).toBe(1);
    agent.backend.move(id, 'completed');
    expect((await waiting).json()).toMatchObject({ status: 'completed' });
    expect(agent.backend.listeners).toBe(0);
  });

  it('gives results that JSON has no form for in one that a person can read', async () => {
    const id = await started();
    const value = { big: 2n ** 70n, when: new Date(0), map: new Map([[1, Number.NaN]]), bytes: Buffer.from('hi') };
    agent.backend.complete(id, [
      { from: 'return', index: 0, value },
      { from: 'return', index: 1, value: new Float64Array([0.5, Number.POSITIVE_INFINITY]) },
      { from: 'OUT', index: 2, name: 'out', path: '/data/out.npy' },
    ]);
    const answer = (await get(`/COMPSs/applications/${id}/result`)).json();
    expect(answer.results).toEqual([
      {
        from: 'return',
        index: 0,
        value: { big: '1180591620717411303424', when: '1970-01-01T00:00:00.000Z', map: [[1, 'NaN']], bytes: 'aGk=' },
      },
      { from: 'return', index: 1, type: 'Float64Array', value: [0.5, 'Infinity'] },
      { from: 'OUT', index: 2, name: 'out', path: '/data/out.npy' },
    ]);
    const raw = await get(`/COMPSs/applications/${id}/result?format=raw&index=1`);
    expect(new Float64Array(new Uint8Array(raw.rawPayload).buffer)[0]).toBe(0.5);
    expect(await get(`/COMPSs/applications/${id}/result?format=raw&index=0`)).toMatchObject({ statusCode: 406 });
  });

  it('says why there is no result', async () => {
    const id = await started();
    const early = await get(`/COMPSs/applications/${id}/result`, { accept: 'application/json' });
    expect(early.json()).toMatchObject({ status: 409, code: 'ERR_APPLICATION_RUNNING', retryable: true });
    agent.backend.move(id, 'failed', { error: { code: 'ERR_TASK_FAILED', message: 'no luck', stack: 'at user.ts:1' } });
    const late = await get(`/COMPSs/applications/${id}/result`, { accept: 'application/json' });
    expect(late.json()).toMatchObject({ status: 409, code: 'ERR_APPLICATION_NOT_COMPLETED', retryable: false });
    expect(late.json().message).toContain('no luck');
    expect((await get(`/COMPSs/applications/${id}`)).json().error.stack).toBe('at user.ts:1');
  });

  it('keeps the stack of a bug of ours to itself', async () => {
    const id = await started();
    const cause = { code: 'ERR_INTERNAL', message: 'oops', stack: 'at src/secret.ts:1' };
    agent.backend.move(id, 'failed', { error: { code: 'ERR_TASK_FAILED', message: 'no', cause } });
    expect((await get(`/COMPSs/applications/${id}`)).body).not.toContain('secret.ts');
  });

  it('streams events from the start to the end, and again from Last-Event-ID', async () => {
    const id = await started();
    const first = get(`/COMPSs/applications/${id}/events`);
    await expect.poll(() => agent.backend.listeners).toBe(1);
    agent.backend.move(id, 'running');
    agent.backend.emit(id, { type: 'notice', error: { code: 'ERR_UNSCHEDULABLE', message: 'waits' } });
    agent.backend.move(id, 'completed');
    const stream = await first;
    expect(stream.headers['content-type']).toMatch(/^text\/event-stream/);
    const events = parseEvents(stream.body);
    expect(events.map(({ id: seq, event }) => `${seq} ${event}`)).toEqual([
      '1 status',
      '2 status',
      '3 notice',
      '4 status',
    ]);
    expect(events[3]?.data).toMatchObject({ appId: id, application: { status: 'completed' } });
    const again = await get(`/COMPSs/applications/${id}/events`, { 'last-event-id': '3' });
    expect(parseEvents(again.body).map(({ id: seq }) => seq)).toEqual(['4']);
    const over = await get(`/COMPSs/applications/${id}/events`, { 'last-event-id': '4' });
    expect(parseEvents(over.body)).toEqual([]);
    expect(agent.backend.listeners).toBe(0);
  });

  it('cancels', async () => {
    const id = await started();
    const cancel = () => agent.app.inject({ method: 'PUT', url: `/COMPSs/applications/${id}/cancel` });
    expect((await cancel()).json()).toEqual({ appId: id, cancelled: true });
    expect((await cancel()).json()).toEqual({ appId: id, cancelled: false });
  });

  it('reads logs of the main and of an attempt', async () => {
    const id = await started();
    agent.backend.logChunks = ['hello ', 'world\n'];
    expect((await get(`/COMPSs/applications/${id}/logs`)).body).toBe('hello world\n');
    await get(`/COMPSs/applications/${id}/logs?task=t3&attempt=2&stream=stderr&offset=4`);
    expect(agent.backend.calls.at(-1)?.argument).toEqual({
      id,
      stream: 'stderr',
      task: 't3',
      attempt: 2,
      offset: 4,
      follow: false,
    });
    expect(await get(`/COMPSs/applications/${id}/logs?stream=both`)).toMatchObject({ statusCode: 400 });
  });
});

describe('seeing', () => {
  it('gives the graph as JSON, DOT and SVG, by Accept and by format', async () => {
    const id = await started();
    agent.backend.graphData = {
      tasks: [
        { id: 't1', signature: 'm#load()', status: 'completed', attempts: 1 },
        { id: 't2', signature: 'm#sum("<&>")', status: 'running', attempts: 2, node: 'n2' },
      ],
      edges: [{ from: 't1', to: 't2', version: 'd1v1' }],
      syncs: [],
      forgotten: 0,
    };
    const url = `/COMPSs/applications/${id}/graph`;
    expect((await get(url)).json().edges).toEqual([{ from: 't1', to: 't2', version: 'd1v1' }]);
    const dot = await get(url, { accept: 'text/vnd.graphviz' });
    expect(dot.body).toContain('"t1" -> "t2"[label="d1v1"];');
    const svg = await get(`${url}?format=svg`);
    expect(svg.headers['content-type']).toMatch(/^image\/svg/);
    expect(svg.body).toContain('&lt;&amp;&gt;');
    expect(await get(url, { accept: 'image/png' })).toMatchObject({ statusCode: 406 });
  });

  it('gives the timeline as a Chrome trace', async () => {
    const id = await started();
    agent.backend.timelineData = {
      attempts: [
        { task: 't1', attempt: 1, signature: 'f', node: 'a', startedAt: 1, endedAt: 3, status: 'completed' },
        { task: 't2', attempt: 1, signature: 'f', node: 'a', startedAt: 2, endedAt: 4, status: 'completed' },
      ],
      transfers: [{ version: 'd1v1', from: 'b', to: 'a', bytes: 8, startedAt: 1, endedAt: 2 }],
    };
    const trace = (await get(`/COMPSs/applications/${id}/timeline`)).json();
    const spans = trace.traceEvents.filter((event: { ph: string }) => event.ph === 'X');
    expect(spans.map((event: { tid: number; ts: number; dur: number }) => [event.tid, event.ts, event.dur])).toEqual([
      [0, 1000, 2000],
      [1, 2000, 2000],
    ]);
  });

  it('explains', async () => {
    const id = await started();
    agent.backend.graphData = {
      tasks: [
        { id: 't1', signature: 'f', status: 'blocked', attempts: 0 },
        { id: 't2', signature: 'f', status: 'ready', attempts: 0 },
      ],
      edges: [],
      syncs: [],
      forgotten: 0,
    };
    const all = (await get(`/COMPSs/applications/${id}/explain`)).json();
    expect(all.waiting).toBe(2);
    expect(all.tasks.map((task: { task: string }) => task.task)).toEqual(['t2', 't1']);
    expect((await get(`/COMPSs/applications/${id}/tasks/t2/explain`)).json().summary).toBe('no slot is free');
    expect(await get(`/COMPSs/applications/${id}/tasks/t9/story`)).toMatchObject({ statusCode: 404 });
  });

  it('says whether it is alive and ready', async () => {
    expect((await get('/healthz')).json()).toEqual({ status: 'ok', name: 'tester', version: '0.0.0', reasons: [] });
    agent.backend.reasons = ['the agent is shutting down'];
    const answer = await get('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ status: 'unavailable', reasons: ['the agent is shutting down'] });
  });

  it('exposes its own metrics and those that ICOS queries', async () => {
    const { body } = await get('/metrics');
    expect(body).toContain('metakernel_tasks_ended_total{status="completed",agent="tester"} 7');
    expect(body).toContain('compss_node_info_ratio{property="computing_units",agent="tester"} 2');
    expect(body).toContain('compss_avgTime_ratio{CoreSignature="m#f()",agent="tester"} 2.5');
    expect((await get('/metrics')).body).toContain('metakernel_tasks_ended_total{status="completed",agent="tester"} 7');
  });

  it('describes itself', async () => {
    const document = (await get('/docs')).json();
    const body = document.paths['/COMPSs/startApplication'].put.requestBody.content;
    expect(Object.keys(body)).toEqual(['application/json', 'application/xml']);
    expect(body['application/json'].schema.properties.Parameters.items.required).toEqual(['type', 'direction']);
    expect(document.paths['/healthz'].get.security).toEqual([]);
  });
});

interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

function parseEvents(body: string): ServerEvent[] {
  return body
    .split('\n\n')
    .filter((block) => block.includes('event: '))
    .map((block) => {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2) ?? '';
      return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) as Record<string, unknown> };
    });
}
