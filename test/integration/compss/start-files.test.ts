import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callBody, curl } from '../../support/compss-scripts.ts';
import { RunningAgent } from '../../support/running-agent.ts';
import { tempDir } from '../../support/temp-dir.ts';

const appPath = join(import.meta.dirname, '../fixtures/compss');

it('adds the nodes of its files when it starts, and keeps the durations of what ran', async () => {
  using dir = tempDir('start-files');
  const [profile, pool] = [join(dir.path, 'profile.json'), join(dir.path, 'pool.yaml')];
  await using comm = await RunningAgent.start({ name: 'comm', appPath });
  await using rest = await RunningAgent.start({ name: 'rest', appPath });
  const node = (name: string, adaptor: string, port: number) =>
    `  - { name: ${name}, adaptor: ${adaptor}, cpus: 1, properties: { Host: 127.0.0.1, Port: ${port} } }\n`;
  const far = node('first', 'grpc-agent', comm.listening.grpcPort) + node('second', 'rest', rest.listening.restPort);
  writeFileSync(pool, `nodes:\n${far}`);
  const flags = [`--pool=${pool}`, `--output_profile=${profile}`];
  await using agent = await RunningAgent.start({ name: 'self', appPath, flags });
  const names = async () => {
    const { resources } = (await agent.get('/COMPSs/resources')) as { resources: { name: string; state: string }[] };
    return resources.map(({ name, state }) => `${name} ${state}`).sort();
  };
  await expect.poll(names, { timeout: 10_000 }).toEqual(['first active', 'second active', 'self active']);
  const body = callBody({ className: 'demo.ts', methodName: 'length', args: ['four'] });
  const { text: id } = await curl('PUT', `${agent.listening.url}/COMPSs/startApplication`, body);
  expect(await agent.get(`/COMPSs/applications/${id}?waitMs=10000`)).toMatchObject({ status: 'completed' });
  expect(await agent.process.stop()).toEqual({ code: 0, signal: null });
  expect(JSON.parse(readFileSync(profile, 'utf8'))).toMatchObject({
    implementations: { 'length(STRING_64_T)demo.ts': { executions: 1 } },
  });
});
