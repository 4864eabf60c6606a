import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { startProcess } from '../../scripts/process.ts';
import { LocalAgent } from '../support/local-agent.ts';

const root = join(import.meta.dirname, '../..');
const guide = join(root, 'examples/guide');
const page = readFileSync(join(root, 'docs/programming-model.md'), 'utf8');
const blocks = [...page.matchAll(/^```ts (\S+)\n(.*?)^```\n\n```json\n(.*?)^```/gms)].map(
  ([, path = '', code, json = '']) => ({ name: basename(path), code, gives: JSON.parse(json) as unknown }),
);
/** Only an agent ends what does not end by itself, and knows what a task was given. */
const NEED_AN_AGENT = new Set(['time-out.ts', 'groups.ts', 'needs.ts']);

it('the guide shows every example as it is', () => {
  expect(blocks.map(({ name }) => name).sort()).toEqual(readdirSync(guide).sort());
  expect(page.match(/^```ts/gm)).toHaveLength(blocks.length);
  for (const { name, code } of blocks) expect(code, name).toBe(readFileSync(join(guide, name), 'utf8'));
});

it.each(['on', 'off'])('metakernel run, with METAKERNEL=%s, prints what main gives', async (mode) => {
  const printed: string[] = [];
  await using run = startProcess(join(root, 'bin/metakernel'), ['run', '--quiet', join(guide, 'first.ts')], {
    watch: 'guard',
    env: { ...process.env, METAKERNEL: mode },
    onLine: (line) => printed.push(line),
  });
  expect(await run.exited).toEqual({ code: 0, signal: null });
  expect(printed).toEqual(['25']);
});

it.each(blocks)('$name gives on an agent what the guide says', async ({ name, gives }) => {
  await using agent = new LocalAgent({ cpus: 2, codePath: guide, module: name });
  expect(await agent.call('main')).toEqual(gives);
});

it.each(blocks.filter(({ name }) => !NEED_AN_AGENT.has(name)))('$name gives it as plain code too', async (block) => {
  const { main } = (await import(join(guide, block.name))) as { main: () => Promise<unknown> };
  expect(await main()).toEqual(block.gives);
});
