/**
 * Whatever comes to the REST interface and the data port of an agent: it answers with a refusal or closes that connection, does not end, holds nothing
 * of it afterwards and still runs tasks. MK_FUZZ_SECONDS is the time for each port, MK_FUZZ_SEED repeats a run.
 */
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeRequest } from '../../src/runtime/data/wire.ts';
import { damaged, fuzzedRequest } from '../support/fuzz/arbitraries.ts';
import { RunningAgent } from '../support/running-agent.ts';

const seconds = Number(process.env['MK_FUZZ_SECONDS'] ?? 5);
const seed = Number(process.env['MK_FUZZ_SEED'] ?? randomInt(2 ** 31 - 1));
const ENDS = { timeout: 90_000, interval: 100 };
/** An answer that takes longer is a failure. */
const ANSWER_MS = 30_000;

describe(`fuzz, seed ${seed}`, () => {
  let agent: RunningAgent;
  let handles: number;

  beforeEach(async () => {
    const appPath = join(import.meta.dirname, '../integration/fixtures');
    // Programs are off: a name of one that is there could be found by chance.
    const flags = ['--programs=false', '--log-level=error', '--requests-per-second=0', '--drain-ms=0'];
    agent = await RunningAgent.start({ name: 'fuzzed', cpus: 2, appPath, flags });
    expect((await agent.command('call', '-q', 'program.ts', 'graph')).out).toBe('420\n');
    handles = openFiles(agent);
  });
  afterEach(async () => {
    // Also looks that nothing is held, and that it ends by itself.
    await agent[Symbol.asyncDispose]();
  });

  const check = async <T>(what: string, property: fc.IAsyncPropertyWithHooks<T>): Promise<void> => {
    let runs = 0;
    property.beforeEach(() => {
      runs += 1;
    });
    await fc.assert(property, {
      seed,
      numRuns: 1e9,
      interruptAfterTimeLimit: seconds * 1000,
      endOnFailure: false,
    });
    console.log(`fuzz ${what}: ${runs} cases in ${seconds} s, seed ${seed}`);
    expect(runs).toBeGreaterThan(10);
    expect(agent.process.exit()).toBeUndefined();
    await expect.poll(() => openFiles(agent), ENDS).toBeLessThanOrEqual(handles + 4);
    expect((await agent.command('call', '-q', 'program.ts', 'graph')).out).toBe('420\n');
    expect(agent.log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  };

  it('bodies of requests', async () => {
    const dispatcher = new Agent({ headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
    const property = fc.asyncProperty(fuzzedRequest, async ({ route, type, body }) => {
      const answer = await request(`${agent.listening.url}/COMPSs/${route}`, {
        method: 'PUT',
        dispatcher,
        headers: { 'content-type': type, accept: 'application/json' },
        body,
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 500 && !NO_FAULT_OF_THE_AGENT.test(text))
        throw new Error(`${answer.statusCode}: ${text}`);
    });
    try {
      await check('bodies', property);
    } finally {
      await dispatcher.destroy();
    }
  }, 600_000);

  it('requests at the data port', async () => {
    const property = fc.asyncProperty(fc.array(dataRequest, { minLength: 1, maxLength: 3 }), async (requests) => {
      const socket = connect({ host: '127.0.0.1', port: agent.listening.dataPort });
      socket.on('error', () => undefined);
      socket.resume();
      for (const bytes of requests) socket.write(bytes);
      socket.end();
      const late = setTimeout(() => socket.destroy(new Error('the connection was not closed')), ANSWER_MS);
      await new Promise((resolve) => socket.once('close', resolve));
      clearTimeout(late);
      if (socket.errored?.message.startsWith('the connection was not') === true) throw socket.errored;
    });
    await check('data port', property);
  }, 600_000);
});

/** A node that is not there; to XML, COMPSs's status for nodes and adaptors that nobody knows (docs/compss-compatibility.md). */
const NO_FAULT_OF_THE_AGENT = /"code":"ERR_(LINK_\w+|SSH_\w+|RESOURCE_UNKNOWN|ADAPTOR_UNKNOWN)"/;

const openFiles = ({ listening }: RunningAgent): number => readdirSync(`/proc/${listening.pid}/fd`).length;

const dataRequest = fc.oneof(
  damaged(
    fc
      .record({
        ticket: fc.oneof(
          fc.string(),
          fc.json().map((text) => Buffer.from(text).toString('base64url')),
        ),
        proof: fc.string(),
        request: fc.oneof(fc.constant(1), fc.nat()),
        reader: fc.string(),
        key: fc.string(),
        offset: fc.nat(),
      })
      .map(encodeRequest),
  ),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);
