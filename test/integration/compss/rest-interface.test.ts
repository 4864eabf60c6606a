import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseBody } from '../../../src/contracts/agent/bodies.ts';
import { JAVA_MAIN_XML } from '../../support/agent-bodies.ts';
import { addBody, COMM, callBody, curl, REST, reduceBody, workerBody } from '../../support/compss-scripts.ts';
import { processGone } from '../../support/processes.ts';
import { RunningAgent } from '../../support/running-agent.ts';
import { tempDir } from '../../support/temp-dir.ts';

const appPath = join(import.meta.dirname, '../fixtures/compss');
const AN_ID = /^-?\d{1,19}$/;

let open: AsyncDisposableStack;
let dir: ReturnType<typeof tempDir>;

beforeEach(() => {
  open = new AsyncDisposableStack();
  dir = tempDir('compss');
});
afterEach(async () => {
  await open.disposeAsync();
  dir[Symbol.dispose]();
});

const start = async (name: string, ...flags: string[]): Promise<RunningAgent> =>
  open.use(await RunningAgent.start({ name, cpus: 1, appPath, flags: [`--data-path=${dir.path}`, ...flags] }));
const at = ({ listening }: RunningAgent, path: string): string => `${listening.url}/COMPSs/${path}`;
const call = async (agent: RunningAgent, methodName: string, args: readonly string[] = []): Promise<string> => {
  const reply = await curl('PUT', at(agent, 'startApplication'), callBody({ className: 'demo.ts', methodName, args }));
  expect(reply).toMatchObject({ status: 200, text: expect.stringMatching(AN_ID) });
  return reply.text;
};
const printed = (agent: RunningAgent, pattern: RegExp): Promise<void> =>
  expect.poll(() => agent.log.some((line) => pattern.test(line)), { timeout: 10_000 }).toBe(true);
/** Status and results of an ended application. */
const ended = async (agent: RunningAgent, id: string) =>
  (await agent.get(`/COMPSs/applications/${id}?waitMs=10000`)) as { status: string; error?: { code: string } };
const resultOf = async (agent: RunningAgent, id: string): Promise<unknown> =>
  ((await agent.get(`/COMPSs/applications/${id}/result?waitMs=10000`)) as { results: { value: unknown }[] }).results[0]
    ?.value;
const nodesOf = async (agent: RunningAgent) => {
  const { text } = await curl('GET', at(agent, 'resources'));
  const { resources } = JSON.parse(text) as {
    resources: { name: string; adaptor: string; description: { processors: { units: number }[] } }[];
  };
  return resources.map(({ name, adaptor, description }) => [name, adaptor, description.processors[0]?.units ?? 0]);
};

describe('calls as the scripts of COMPSs make them', () => {
  it('answers with the id as plain text, and prints the lines that scripts wait for', async () => {
    const agent = await start('alone');
    expect(await curl('GET', at(agent, 'test'))).toMatchObject({ status: 200, text: '' });
    await printed(agent, /^test invoked$/);
    const reply = await curl(
      'PUT',
      at(agent, 'startApplication/'),
      callBody({ className: 'demo.ts', methodName: 'main', args: ['alpha', 'b c'] }),
    );
    expect(reply).toEqual({
      status: 200,
      type: expect.stringContaining('text/plain'),
      text: expect.stringMatching(AN_ID),
    });
    await printed(agent, /^Received REST call to run a JS method$/);
    await printed(agent, /^Job completed after \d+$/);
    expect(await resultOf(agent, reply.text)).toBe('alpha+b c');
    await call(agent, 'fails');
    await printed(agent, /^Job failed after \d+$/);
    const id = await call(agent, 'holds', [join(dir.path, 'gate')]);
    await expect.poll(() => existsSync(join(dir.path, 'gate.held'))).toBe(true);
    await curl('PUT', at(agent, `applications/${id}/cancel`), '{}', 'application/json');
    await printed(agent, /^Job cancelled after \d+$/);
  });

  it('takes a main with its array of arguments, whatever the headers say', async () => {
    const agent = await start('forms');
    const send = async (body: string, headers: Record<string, string>): Promise<unknown> => {
      const response = await fetch(at(agent, 'startApplication/'), { method: 'PUT', body, headers });
      expect(response.status).toBe(200);
      return resultOf(agent, await response.text());
    };
    const main = JAVA_MAIN_XML.replace('>JAVA<', '>js<').replace('demo.Main', 'demo.ts');
    expect(await send(main, { 'content-type': 'application/xml; charset=utf-8', accept: 'text/plain' })).toBe(
      'alpha+b c',
    );
    expect(await send(main, { 'content-type': 'Application/XML', accept: 'application/json' })).toBe('alpha+b c');
    const nothing = main.replace(/<values>.*<\/values>/s, '<values></values>');
    expect(await send(nothing, { 'content-type': 'application/xml' })).toBe('');
  });

  it('writes the job files of COMPSs in debug', async () => {
    const agent = await start('logging', '--debug', `--log_dir=${dir.path}`);
    await ended(agent, await call(agent, 'main', ['x', 'y z']));
    await expect.poll(() => existsSync(join(dir.path, 'jobs/job1_NEW.out'))).toBe(true);
    const out = () => readFileSync(join(dir.path, 'jobs/job1_NEW.out'), 'utf8');
    await expect.poll(out).toContain('main got ["x","y z"]');
    expect(out().split('\n').slice(0, 11)).toEqual([
      'WORKER - Parameters of execution:',
      '  * Method type: METHOD',
      '  * Method definition: [DECLARING CLASS=demo.ts, METHOD NAME=main]',
      '  * Parameter types: java.lang.String java.lang.String',
      '  * Parameter names: 0 1',
      '  * Parameter values: x y z',
      '  * Parameter streams: UNSPECIFIED UNSPECIFIED',
      '  * Parameter prefixes: null null',
      '  * Has Target: false',
      '  * Has Return: false',
      '  * Signature: demo.ts#main(STRING_64_T,STRING_64_T)',
    ]);
    expect(readdirSync(join(dir.path, 'jobs')).filter((name) => /^job\d+_NEW\.out$/.test(name))).toHaveLength(1);
  });

  it('tells the orchestrator of the end, in XML, as long as it takes', async () => {
    const got: { url: string | undefined; body: string }[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        got.push({ url: request.url, body });
        response.writeHead(got.length === 1 ? 500 : 200).end();
      });
    });
    open.defer(() => new Promise((done) => server.close(() => done())));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const agent = await start('callee');
    const more = `<orchestrator><host>http://127.0.0.1:${port}/</host><method>POST</method><operation>COMPSs/endApplication/</operation></orchestrator>`;
    const body = callBody({ className: 'demo.ts', methodName: 'main', args: ['x'], more });
    const { text: id } = await curl('PUT', at(agent, 'startApplication'), body);
    await expect.poll(() => got.length, { timeout: 10_000 }).toBe(2);
    expect(got.map(({ url }) => url)).toEqual(['/COMPSs/endApplication/', '/COMPSs/endApplication/']);
    const ends = got.map(({ body: xml }) => parseBody('endApplication', 'xml', xml));
    expect(ends[0]).toMatchObject({ jobId: id, endStatus: 'OK', results: [[], []] });
    expect(ends[1]).toEqual(ends[0]);
  });

  it('stops itself and those it is told to, after the application has ended', async () => {
    const [first, second] = await Promise.all([start('first'), start('second')]);
    const body = callBody({ className: 'demo.ts', methodName: 'main', args: ['x'], stop: [second.listening.url] });
    expect((await curl('PUT', at(first, 'startApplication'), body)).status).toBe(200);
    expect(await Promise.all([first.process.exited, second.process.exited])).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    expect(first.log.some((line) => line.startsWith('Job completed after '))).toBe(true);
  });
});

describe('the pool as the scripts of COMPSs change it', () => {
  it('shows itself as COMPSs does, with adaptors by their node classes', async () => {
    const [first, comm, rest] = await Promise.all([start('first'), start('comm'), start('rest')]);
    expect(await curl('GET', at(first, 'resources'))).toMatchObject({ type: expect.stringContaining('text/plain') });
    const { text } = await curl('GET', at(first, 'resources'));
    expect(JSON.parse(text)).toEqual({
      time: expect.any(Number),
      resources: [
        {
          name: 'first',
          description: {
            processors: [{ name: 'MainProcessor', architecture: '[unassigned]', units: 1 }],
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
    // The name of a node is its host, as in COMPSs.
    const added = [
      await curl('PUT', at(first, 'addResources'), addBody('127.0.0.1', 2, COMM, { Port: comm.listening.grpcPort })),
      await curl('PUT', at(first, 'addResources'), addBody('localhost', 1, REST, { Port: rest.listening.restPort })),
    ];
    expect(added.map(({ status, text: said }) => [status, said])).toEqual([
      [200, ''],
      [200, ''],
    ]);
    expect(await nodesOf(first)).toEqual([
      ['first', 'es.bsc.compss.types.COMPSsMaster', 1],
      ['127.0.0.1', 'es.bsc.compss.agent.comm.CommAgentWorker', 2],
      ['localhost', 'es.bsc.compss.agent.rest.master.RemoteRESTAgent', 1],
    ]);
    await curl('GET', at(first, 'printResources'));
    await printed(first, /^\t\tNAME = localhost$/);
  });

  it('merges, reduces, removes and loses nodes', async () => {
    const [first, other] = await Promise.all([start('first'), start('other')]);
    const add = (units: number) =>
      curl('PUT', at(first, 'addResources'), addBody('127.0.0.1', units, COMM, { Port: other.listening.grpcPort }));
    const units = async () => (await nodesOf(first)).find(([name]) => name === '127.0.0.1')?.[2];
    await add(2);
    await add(3);
    await expect.poll(units).toBe(5);
    expect((await curl('PUT', at(first, 'removeResources'), reduceBody('127.0.0.1', 4))).status).toBe(200);
    await expect.poll(units).toBe(1);
    expect((await curl('PUT', at(first, 'removeResource'), reduceBody('127.0.0.1', 1))).status).toBe(200);
    await expect.poll(units).toBe(undefined);
    await add(1);
    expect((await curl('PUT', at(first, 'removeNode'), workerBody('removeNode', '127.0.0.1'))).status).toBe(200);
    await expect.poll(units).toBe(undefined);
    await add(1);
    expect((await curl('PUT', at(first, 'lostNode'), workerBody('lostNode', '127.0.0.1'))).status).toBe(200);
    await expect.poll(units).toBe(undefined);
  });

  it('runs work on an agent that it reaches over REST alone', async () => {
    const [first, other] = await Promise.all([start('first', '--cpus=0'), start('other')]);
    const added = addBody('127.0.0.1', 1, REST, { Port: other.listening.restPort });
    expect((await curl('PUT', at(first, 'addResources'), added)).status).toBe(200);
    expect(await resultOf(first, await call(first, 'main', ['far', 'away']))).toBe('far+away');
    const applications = (await other.get('/COMPSs/applications')) as { applications: { status: string }[] };
    expect(applications.applications.map(({ status }) => status)).toEqual(['completed']);
  });
});

describe('its own capacity', () => {
  it('grows and shrinks by its name; what was not given stays so', async () => {
    const agent = await start('self');
    const gpu = `</processor><processor><name>gpu</name><type>GPU</type><computingUnits>1</computingUnits></processor></processors>`;
    const more = addBody('self', 2, COMM, {})
      .replace(/<\/processor>\s*<\/processors>/, gpu)
      .replace('>-1</memorySize>', '>4</memorySize>');
    expect((await curl('PUT', at(agent, 'addResources'), more)).status).toBe(200);
    expect((await curl('PUT', at(agent, 'removeResources'), reduceBody('self', 1))).status).toBe(200);
    const shown = async () =>
      (JSON.parse((await curl('GET', at(agent, 'resources'))).text) as { resources: unknown[] }).resources;
    await expect.poll(shown).toEqual([
      {
        name: 'self',
        adaptor: 'es.bsc.compss.types.COMPSsMaster',
        description: expect.objectContaining({
          processors: [
            { name: 'MainProcessor', architecture: '[unassigned]', units: 2 },
            { name: 'gpu', architecture: '[unassigned]', units: 1 },
          ],
          memory_size: -1,
        }) as object,
      },
    ]);
  });
});

describe('programs', () => {
  const program = (agent: RunningAgent, body: object) =>
    curl('PUT', at(agent, 'startApplication'), JSON.stringify(body), 'application/json');
  const text = (value: string, more: object = {}) => ({ type: 'STRING_T', direction: 'IN', value, ...more });

  it('run by a call in either dialect, with files as streams', async () => {
    const agent = await start('programs');
    const xml = callBody({ language: 'BINARY', className: 'sh', methodName: '', args: ['-c', 'exit 0'] });
    const { text: id } = await curl('PUT', at(agent, 'startApplication'), xml);
    expect(await resultOf(agent, id)).toBe(0);
    writeFileSync(join(dir.path, 'in'), 'b\na\n');
    const file = (name: string, direction: string, stdIOStream: string) => ({
      type: 'FILE_T',
      direction,
      stdIOStream,
      value: join(dir.path, name),
    });
    const sorted = await program(agent, {
      lang: 'BINARY',
      className: 'sort',
      Parameters: [text('-u'), file('in', 'IN', 'STDIN'), file('out', 'OUT', 'STDOUT')],
    });
    expect(await ended(agent, sorted.text)).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(dir.path, 'out'), 'utf8')).toBe('a\nb\n');
    const failed = await program(agent, { lang: 'BINARY', className: 'sh', Parameters: [text('-c'), text('exit 3')] });
    expect(await ended(agent, failed.text)).toMatchObject({ status: 'failed', error: { code: 'ERR_PROGRAM_FAILED' } });
    const settings = { failByExitValue: false };
    const kept = await program(agent, {
      lang: 'BINARY',
      className: 'sh',
      settings,
      Parameters: [text('-c'), text('exit 3')],
    });
    expect(await resultOf(agent, kept.text)).toBe(3);
  });

  it('are one of the ways to run a task', async () => {
    const agent = await start('mixed', '--software=PAPER');
    expect(await resultOf(agent, await call(agent, 'mixed', ['7']))).toBe(7);
  });

  it('end with the agent, also when it is killed', async () => {
    const agent = await start('killed');
    const pids = join(dir.path, 'pids');
    const script = `sleep 600 & echo $$ $! > ${pids}.new; mv ${pids}.new ${pids}; wait`;
    await program(agent, { lang: 'BINARY', className: 'sh', Parameters: [text('-c'), text(script)] });
    await expect.poll(() => existsSync(pids), { timeout: 10_000 }).toBe(true);
    process.kill(agent.listening.pid, 'SIGKILL');
    await agent.process.exited;
    for (const pid of readFileSync(pids, 'utf8').trim().split(' ')) await processGone(Number(pid));
  });
});
