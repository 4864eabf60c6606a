/** Brings the compose file up, deploys on it, takes each of its services away and back, and takes it down. Exit code 0: all held. */
import { deepStrictEqual, match, strictEqual } from 'node:assert';
import { setTimeout as pause } from 'node:timers/promises';
import { interruptible } from '../../../scripts/interruptible.ts';
import { agentPool } from '../controller/agent-pool.ts';
import { type Composition, findCompose, SECRETS, startComposition } from './composition.ts';

const [CREATE, DELETE, FINISHED] = [5, 6, 3];
const DEADLINE_MS = 120_000;
const POLL_MS = 250;

interface Group {
  readonly ID: string;
  readonly jobs: readonly { readonly type: number; readonly state: number }[];
}

/** The API as a user has it; the port of a service that was started anew is another. */
function userOf(composition: Composition): (method: string, path: string, body?: object) => Promise<Response> {
  let token = '';
  return async (method, path, body) => {
    const base = `${await composition.url('shell-backend', 8080)}/api/v3`;
    if (token === '') {
      const login = await fetch(`${base}/user/login?username=first&password=${SECRETS.FIRST_USER_PASSWORD}`);
      if (login.status !== 200) return login;
      token = (await login.json()) as string;
    }
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { api_key: token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const answer = await fetch(`${base}${path}`, { method, headers, ...json });
    // The issuer of the tests keeps no session over its end: log in again.
    if (answer.status === 401) token = '';
    return answer;
  };
}

/** Again until it holds: containers have no other sign of being there than that they answer. */
async function until(what: string, check: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      await check();
      console.log(what);
      return;
    } catch (thrown) {
      signal.throwIfAborted();
      if (performance.now() > deadline) throw new Error(`not in time: ${what}`, { cause: thrown });
      await pause(POLL_MS);
    }
  }
}

async function run(signal: AbortSignal): Promise<number> {
  const compose = await findCompose();
  if (compose === undefined) throw new Error('there is no docker compose');
  await using composition = await startComposition(compose, signal);
  try {
    await deployAndDisturb(composition, signal);
  } catch (thrown) {
    console.error(await composition.run('logs', '--no-color', '--tail', '15'));
    throw thrown;
  }
  return 0;
}

async function deployAndDisturb(composition: Composition, signal: AbortSignal): Promise<void> {
  const ask = userOf(composition);
  const holds = (what: string, check: () => Promise<void>) => until(what, check, signal);
  await holds('the node is known', async () =>
    match(await (await ask('GET', '/resource/')).text(), /"node"\s*:\s*\{\s*"node"/),
  );
  const content = `name: compose\ncomponents:\n- {name: pool, manifests: [{name: pool}]}\n---\n${agentPool({ args: ['--cpus', '1'] })}`;
  let id = '';
  await holds('a deployment is accepted', async () => {
    const answer = await ask('POST', '/deployment/', { content });
    const text = await answer.text();
    strictEqual(answer.status, 201, text);
    id = (JSON.parse(text) as Group).ID;
  });
  const phase = async (expected: readonly (readonly number[])[]): Promise<void> => {
    const answer = await ask('GET', `/deployment/${id}`);
    strictEqual(answer.status, 200);
    const { jobs } = (await answer.json()) as Group;
    deepStrictEqual(
      jobs.map(({ type, state }) => [type, state]),
      expected,
    );
  };
  await holds('an agent runs', () => phase([[CREATE, FINISHED]]));
  await composition.run('kill', 'postgres');
  strictEqual((await ask('GET', `/deployment/${id}`)).status, 503);
  await composition.run('start', 'postgres');
  await holds('as before without its database', () => phase([[CREATE, FINISHED]]));
  for (const service of [
    'issuer',
    'prometheus',
    'aggregator',
    'matchmaker',
    'job-manager',
    'lighthouse',
    'node',
    'shell-backend',
  ]) {
    await composition.run('kill', service);
    await composition.run('start', service);
    await holds(`as before after ${service} was killed`, () => phase([[CREATE, FINISHED]]));
  }
  await holds('stopped', async () => strictEqual((await ask('DELETE', `/deployment/${id}/stop`)).status, 200));
  await holds('the agent is gone', () => phase([[DELETE, FINISHED]]));
  strictEqual((await ask('DELETE', `/deployment/${id}`)).status, 200);
}

process.exitCode = await interruptible(run);
