import { describe, expect, it } from 'vitest';
import type { InvocationId, VersionId } from '../../../src/runtime/model/ids.ts';
import { CutProxy } from '../../support/cut-proxy.ts';
import { aLaunch, Callee, Caller } from '../../support/link-case.ts';
import type { Behaviour } from '../../support/minimal-runtime.ts';

const behaviour: Behaviour = (method, inputs, spec) => {
  if (method === 'hang') return 'hang';
  if (method === 'fail') return { code: 'ERR_TASK_FAILED', message: 'no', name: 'TypeError' };
  if (method === 'large') return [Buffer.alloc(100_000, 7)];
  if (method === 'append') return inputs.map((input) => Buffer.concat([input ?? Buffer.from('?'), Buffer.from('+')]));
  if (method === 'join') return [Buffer.concat(inputs.map((input) => input ?? Buffer.from('?')))];
  return [spec.args ?? Buffer.alloc(0)];
};

const textOf = (caller: Caller, version: number): string => {
  const value = caller.runtime.store.acquire(version as VersionId);
  caller.runtime.store.release(version as VersionId);
  return value?.in === 'memory' ? Buffer.from(value.bytes).toString() : 'absent';
};

const v = (version: number): VersionId => version as VersionId;
const i = (invocation: number): InvocationId => invocation as InvocationId;

describe('a link between two agents', () => {
  it('carries many launches and their inline results, with each element once', async () => {
    await using callee = await Callee.start(behaviour);
    await using caller = await Caller.connect(callee.port);
    const count = 5000;
    for (let n = 0; n < count; n++)
      caller.node.launch([aLaunch(n, 'echo', { args: Buffer.from(`a${n}`), outputs: [n] })]);
    await caller.until(({ outcomes }) => outcomes.size === count);
    expect(textOf(caller, 4321)).toBe('a4321');
    expect(caller.told.outcomes.get(i(7))).toEqual([{ status: 'completed', outputs: [{ bytes: 2, inline: true }] }]);
    expect(callee.runtime.registered).toHaveLength(1);
    expect(callee.service.links).toEqual([{ name: 'caller', calls: 0, versions: 0 }]);
    expect([...callee.runtime.scopes].map((scope) => scope.load)).toEqual([{ handles: 0, hanging: 0 }]);
    expect(caller.node.description.processors).toEqual([{ name: 'cpu', type: 'CPU', units: 2 }]);
  });

  it('sends a value once, keeps a large result there and forgets both when told', async () => {
    await using callee = await Callee.start(behaviour);
    await using caller = await Caller.connect(callee.port);
    caller.runtime.store.putInline(v(1), Buffer.alloc(4000, 'x'));
    caller.node.launch([1, 2, 3].map((n) => aLaunch(n, 'join', { reads: [1], outputs: [10 + n] })));
    caller.node.launch([aLaunch(4, 'large', { outputs: [20] })]);
    await caller.until(({ outcomes }) => outcomes.size === 4);
    expect(textOf(caller, 13)).toBe('x'.repeat(4000));
    expect(caller.told.replicas).toEqual(new Map([[1, 4000]]));
    expect(caller.told.outcomes.get(i(4))).toEqual([
      { status: 'completed', outputs: [{ bytes: 100_000, inline: false }] },
    ]);
    expect(caller.node.source(v(20), 'third')).toMatchObject({
      node: 'callee',
      port: 1,
      key: `${caller.runtime.self.incarnation}/20`,
    });
    expect(callee.service.links[0]).toMatchObject({ versions: 2 });
    caller.node.evict([v(1), v(20)]);
    caller.node.launch([aLaunch(5, 'echo', { outputs: [30] })]);
    await caller.until(({ outcomes }) => outcomes.size === 5);
    expect(callee.service.links[0]).toMatchObject({ versions: 0 });
    expect(callee.runtime.store.stats().versions).toBe(0);
  });

  it('updates values without touching the version before, unless nobody needs it', async () => {
    await using callee = await Callee.start(behaviour);
    await using caller = await Caller.connect(callee.port);
    caller.runtime.store.putInline(v(1), Buffer.from('small'));
    caller.runtime.store.putInline(v(2), Buffer.alloc(600, 'k'));
    caller.node.launch([
      aLaunch(1, 'append', { updates: [1], outputs: [11] }),
      aLaunch(2, 'join', { reads: [2], outputs: [12] }),
      aLaunch(3, 'append', { updates: [2], outputs: [13] }),
      aLaunch(4, 'join', { reads: [2, 1], outputs: [14] }),
      aLaunch(5, 'append', { updates: [2], outputs: [15], preserveInputs: false }),
    ]);
    await caller.until(({ outcomes }) => outcomes.size === 5);
    expect([11, 12, 13, 14, 15].map((version) => textOf(caller, version).replaceAll('k', ''))).toEqual([
      'small+',
      '',
      '+',
      'small',
      '+',
    ]);
    expect(callee.runtime.store.stats().versions).toBe(0);
  });

  it('tells failures with their error, cancels and recalls', async () => {
    await using callee = await Callee.start(behaviour);
    await using caller = await Caller.connect(callee.port);
    caller.node.launch([aLaunch(1, 'fail', { outputs: [1] }), aLaunch(2, 'hang'), aLaunch(3, 'hang')]);
    await caller.until(({ outcomes }) => outcomes.size === 1);
    expect(caller.told.outcomes.get(i(1))).toEqual([
      { status: 'failed', error: { code: 'ERR_TASK_FAILED', message: 'no', name: 'TypeError' } },
    ]);
    caller.node.cancel(i(2), 'enough');
    caller.node.recall(i(3));
    await caller.until(({ outcomes }) => outcomes.size === 3);
    expect(caller.told.outcomes.get(i(2))).toEqual([{ status: 'cancelled' }]);
    expect(caller.told.outcomes.get(i(3))).toEqual([{ status: 'recalled' }]);
  });

  it('goes on after cuts that both sides survive: nothing is lost, nothing comes twice', async () => {
    await using callee = await Callee.start(behaviour);
    const { proxy, port } = await CutProxy.start(callee.port);
    await using relay = proxy;
    await using caller = await Caller.connect(port);
    const count = 3000;
    for (let n = 0; n < count; n += 100) {
      caller.node.launch(
        Array.from({ length: 100 }, (_, k) => aLaunch(n + k, 'echo', { args: Buffer.from('q'), outputs: [n + k] })),
      );
      if (n % 1000 === 500) relay.cut();
      await caller.until(({ outcomes }) => outcomes.size >= n - 400);
    }
    await caller.until(({ outcomes }) => outcomes.size === count);
    expect([...caller.told.outcomes.values()].every((list) => list.length === 1)).toBe(true);
    expect(caller.told.lost).toBeUndefined();
    expect(callee.service.links).toHaveLength(1);
  });

  it('is lost when its stream stays away for the deadline; the callee drops what it held', async () => {
    await using callee = await Callee.start(behaviour);
    const { proxy, port } = await CutProxy.start(callee.port);
    await using relay = proxy;
    await using caller = await Caller.connect(port, { deadlineMs: 300 });
    caller.node.launch([aLaunch(1, 'hang'), aLaunch(2, 'echo', { outputs: [2] })]);
    await caller.until(({ outcomes }) => outcomes.size === 1);
    relay.refusing = true;
    relay.cut();
    await caller.until(({ lost }) => lost !== undefined);
    expect(caller.told.lost).toContain('could not be opened again for 300 ms');
    await expect.poll(() => callee.service.links, { timeout: 5000 }).toEqual([]);
    expect(callee.runtime.scopes.size).toBe(0);
    expect(callee.runtime.store.stats().versions).toBe(0);
  });

  it('is lost at once when the callee shuts down', async () => {
    const callee = await Callee.start(behaviour);
    await using caller = await Caller.connect(callee.port);
    await callee[Symbol.asyncDispose]();
    await caller.until(({ lost }) => lost !== undefined);
    expect(caller.told.lost).toContain('shutting down');
  });

  it('is refused without the token', async () => {
    await using callee = await Callee.start(behaviour, { token: 'secret' });
    await expect(Caller.connect(callee.port)).rejects.toMatchObject({ code: 'ERR_LINK_REFUSED' });
    await expect(Caller.connect(callee.port, {}, { token: 'wrong' })).rejects.toMatchObject({
      code: 'ERR_LINK_REFUSED',
    });
    await using caller = await Caller.connect(callee.port, {}, { token: 'secret' });
    expect(caller.node.pid).toBe(process.pid);
  });

  it('to nothing is unreachable', async () => {
    const callee = await Callee.start(behaviour);
    const { port } = callee;
    await callee[Symbol.asyncDispose]();
    await expect(Caller.connect(port, { connectMs: 500 })).rejects.toMatchObject({ code: 'ERR_LINK_UNREACHABLE' });
  });
});
