import { describe, expect, it } from 'vitest';
import type { Handle, ResourceId, VersionId } from '../../../src/runtime/model/ids.ts';
import { aResource, aTask, SCOPE, SchedulerCase } from '../../support/scheduler-case.ts';

const failed = { status: 'failed' as const, error: { code: 'ERR_TASK_FAILED', message: 'no luck' } };
const NOTHING_LEFT = { liveTasks: 0, liveVersions: 0 };

function caseWith(cpus: number, options = {}): SchedulerCase {
  const c = new SchedulerCase(options);
  c.join(aResource('self', cpus));
  return c;
}

describe('dependencies', () => {
  it('orders a read after the write, and nothing else', () => {
    const c = caseWith(8);
    c.submit(aTask().writing(0));
    c.submit(aTask().reading(0));
    c.submit(aTask().writing(0));
    expect(c.running.length).toBe(2);
    c.settle(c.running[0]);
    expect(c.running.length).toBe(2);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('chains updates and gives each reader the version of its place in the program', () => {
    const c = caseWith(8);
    c.submit(aTask().writing(0));
    c.submit(aTask().updating(0));
    c.submit(aTask().reading(0));
    const first = c.running[0];
    c.settle(first);
    const update = c.running[0];
    expect(update?.inputs).toEqual(first?.outputs);
    c.settle(update);
    expect(c.running[0]?.inputs).toEqual(update?.outputs);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('refuses to read what was never written, and what was deleted', () => {
    const c = caseWith(1);
    c.submit(aTask().reading(7));
    c.submit(aTask().writing(0));
    c.submit(aTask().deleting(0));
    c.submit(aTask().reading(0));
    expect(c.outcomes()).toMatchObject({ 0: 'failed', 3: 'failed' });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });
});

describe('data', () => {
  it('frees a version once, when it is superseded and read, on each node that holds it', () => {
    const c = caseWith(8);
    c.submit(aTask().writing(0));
    c.submit(aTask().reading(0));
    c.submit(aTask().writing(0));
    const [writer, rewriter] = c.running;
    c.settle(writer);
    c.settle(rewriter);
    const version = writer?.outputs[0] as VersionId;
    const frees = () => c.effects.filter((one) => one.type === 'free' && one.version === version);
    expect(frees()).toHaveLength(0);
    c.settle(c.running[0]);
    expect(frees()).toHaveLength(1);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('brings what is waited for to this agent, once for all that wait', () => {
    const c = caseWith(0);
    const far = c.join(aResource('far', 1));
    c.submit(aTask().writing(0));
    const launch = c.running[0];
    expect(launch?.resource).toBe(far);
    const [one, two] = [c.wait({ on: 'data', handles: [0 as Handle] }), c.wait({ on: 'data', handles: [0 as Handle] })];
    c.settle(launch);
    const version = launch?.outputs[0] as VersionId;
    expect(c.effects.filter((effect) => effect.type === 'transfer')).toEqual([{ type: 'transfer', version, to: 0 }]);
    expect(one()).toBeUndefined();
    c.step({ type: 'replica-added', version, resource: 0 as never, bytes: 8 });
    expect([one(), two()]).toMatchObject([
      { result: { status: 'satisfied', versions: [version] } },
      { result: { status: 'satisfied' } },
    ]);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('keeps a declared datum until its handle goes', () => {
    const c = caseWith(1);
    c.step({
      type: 'datum-declared',
      scope: SCOPE,
      handle: 0 as Handle,
      kind: 'value',
      bytes: 5,
      holders: [0 as never],
    });
    expect(c.core.stats().liveVersions).toBe(1);
    const effects = c.step({ type: 'handle-released', scope: SCOPE, handle: 0 as Handle });
    expect(effects).toMatchObject([{ type: 'free', resource: 0 }]);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('places a reader where its data is', () => {
    const c = caseWith(1);
    const far = c.join(aResource('far', 2));
    c.step({ type: 'datum-declared', scope: SCOPE, handle: 0 as Handle, kind: 'value', bytes: 5, holders: [far] });
    c.submit(aTask().reading(0));
    expect(c.running[0]?.resource).toBe(far);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });
});

describe('failures', () => {
  it('tries four times, the last two elsewhere, then fails what reads the outputs', () => {
    const c = caseWith(1);
    const other = c.join(aResource('other', 1));
    c.submit(aTask().writing(0));
    c.submit(aTask().reading(0));
    const tried = [0, 1, 2, 3].map(() => {
      const [launch] = c.running;
      c.settle(launch, failed);
      return launch?.resource;
    });
    expect(tried).toEqual([0, 0, other, other]);
    expect(c.outcomes()).toEqual({ 0: 'failed', 1: 'failed' });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it.each([
    ['FAIL', { 0: 'failed', 1: 'failed' }],
    ['IGNORE', { 0: 'completed', 1: 'completed' }],
    ['CANCEL_SUCCESSORS', { 0: 'failed', 1: 'cancelled' }],
  ] as const)('follows onFailure %s', (onFailure, expected) => {
    const c = caseWith(1);
    c.submit(aTask().writing(0).with({ onFailure }));
    c.submit(aTask().reading(0));
    c.settle(c.running[0], failed);
    if (c.running.length > 0) c.settle(c.running[0]);
    expect(c.outcomes()).toEqual(expected);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('tells a barrier of a failure once, and not of one that a wait was told of', () => {
    const c = caseWith(1);
    c.submit(aTask().writing(0).with({ onFailure: 'FAIL' }));
    const caught = c.wait({ on: 'data', handles: [0 as Handle] });
    c.settle(c.running[0], failed);
    expect(caught()).toMatchObject({ result: { status: 'failed', error: { code: 'ERR_TASK_FAILED' } } });
    expect(c.wait({ on: 'scope' })()).toMatchObject({ result: { status: 'satisfied' } });
    c.submit(aTask().with({ onFailure: 'FAIL' }));
    c.settle(c.running[0], failed);
    expect(c.wait({ on: 'scope' })()).toMatchObject({ result: { status: 'failed' } });
    expect(c.wait({ on: 'scope' })()).toMatchObject({ result: { status: 'satisfied' } });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('ends the groups of a task that throws', () => {
    const c = caseWith(1);
    const group = 0 as never;
    c.step({ type: 'group-opened', scope: SCOPE, group, name: 'g' });
    c.submit(aTask().with({ groups: [group] }));
    c.submit(aTask().with({ groups: [group] }));
    c.submit(aTask());
    const barrier = c.wait({ on: 'group', group });
    c.settle(c.running[0], {
      status: 'exception',
      error: { code: 'ERR_TASK_EXCEPTION', message: 'enough' },
      outputs: [],
    });
    expect(barrier()).toMatchObject({ result: { status: 'failed', error: { message: 'enough' } } });
    c.settle(c.running[0]);
    expect(c.outcomes()).toEqual({ 0: 'completed', 1: 'cancelled', 2: 'completed' });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('runs what was lost elsewhere, and gives up on a task that kills its nodes', () => {
    const c = caseWith(1, { maxLosses: 2 });
    c.join(aResource('other', 1));
    c.submit(aTask());
    for (let i = 0; i < 3; i++) c.settle(c.running[0], { status: 'lost', reason: 'its process died' });
    expect(c.core.stats()).toMatchObject({ failed: 1, rerun: 2 });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });
});

describe('lost nodes', () => {
  it.for([
    ['a file of the program', [0 as ResourceId]],
    ['an input of a caller', []],
  ] as const)('keeps the way to %s as long as something made from it may be lost', ([, holders]) => {
    const c = caseWith(0);
    const far = c.join(aResource('far', 1));
    const handle = 0 as Handle;
    c.step({ type: 'datum-declared', scope: SCOPE, handle, kind: 'file', bytes: 8, holders, durable: true });
    const given = c.core.latest(SCOPE, handle) as VersionId;
    c.submit(aTask().updating(0));
    c.step({ type: 'replica-added', version: given, resource: far, bytes: 8 });
    c.settle(c.running[0]);
    const freed = (): unknown[] =>
      c.effects.flatMap((one) => (one.type === 'free' && one.version === given ? [one.resource] : []));
    expect(freed()).toEqual([far]);
    c.step({ type: 'resource-lost', resource: far, reason: 'killed' });
    c.join(aResource('again', 1));
    c.wait({ on: 'data', handles: [handle] });
    expect(c.running.map((launch) => launch.inputs)).toEqual([[given]]);
    expect(freed()).toEqual([far]);
    expect(c.close()).toEqual(NOTHING_LEFT);
    expect(freed()).toEqual([far, 0]);
  });

  it('charges no task for inputs that it does not get: their holders are disbelieved, and they are written again', () => {
    const c = caseWith(0, { maxLosses: 1 });
    c.join(aResource('far', 1, { software: ['far'] }));
    const near = c.join(aResource('near', 1, { software: ['near'] }));
    c.submit(aTask().writing(0));
    const version = c.running[0]?.outputs[0] as VersionId;
    c.settle(c.running[0]);
    c.submit(
      aTask()
        .reading(0)
        .needing({ software: ['near'] }),
    );
    for (let i = 0; i < 3; i++) {
      expect(c.running[0]?.resource).toBe(near);
      c.step({ type: 'transfer-failed', version, to: near, reason: 'its process is gone' });
      c.settle(c.running[0], { status: 'lost', reason: 'no input' });
    }
    expect(c.core.stats()).toMatchObject({ failed: 0, recomputed: 1 });
    c.settle(c.running[0]);
    c.settle(c.running[0]);
    expect(c.outcomes()).toEqual({ 0: 'completed', 1: 'completed' });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('charges it when others get the same input, or when it is not the input that fails', () => {
    const c = caseWith(1, { maxLosses: 2 });
    c.join(aResource('other', 1));
    c.submit(aTask().writing(0).with({ repeatable: false }));
    c.settle(c.running[0]);
    c.submit(aTask().reading(0));
    for (let i = 0; i < 3; i++) c.settle(c.running[0], { status: 'lost', reason: 'its process died' });
    expect(c.core.stats()).toMatchObject({ failed: 1 });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('recomputes what somebody waits for, through as many tasks as it takes', () => {
    const c = caseWith(0);
    const far = c.join(aResource('far', 1));
    c.submit(aTask().writing(0));
    c.submit(aTask().reading(0).writing(1));
    c.settle(c.running[0]);
    c.settle(c.running[0]);
    c.step({ type: 'resource-lost', resource: far, reason: 'killed' });
    const wait = c.wait({ on: 'data', handles: [1 as Handle] });
    const again = c.join(aResource('again', 1));
    expect(c.running).toHaveLength(1);
    c.settle(c.running[0]);
    const last = c.running[0];
    expect(last?.resource).toBe(again);
    c.settle(last);
    c.step({ type: 'replica-added', version: last?.outputs[0] as VersionId, resource: 0 as never, bytes: 8 });
    expect(wait()).toMatchObject({ result: { status: 'satisfied' } });
    expect(c.core.stats().recomputed).toBe(2);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('says that data are lost when their task may not run twice', () => {
    const c = caseWith(0);
    const far = c.join(aResource('far', 1));
    c.submit(aTask().writing(0).with({ repeatable: false }));
    c.settle(c.running[0]);
    c.step({ type: 'resource-lost', resource: far, reason: 'killed' });
    expect(c.wait({ on: 'data', handles: [0 as Handle] })()).toMatchObject({
      result: { status: 'failed', error: { code: 'ERR_DATA_LOST' } },
    });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('ignores late answers of a lost node', () => {
    const c = caseWith(1);
    const far = c.join(aResource('far', 1));
    c.submit(aTask());
    c.submit(aTask());
    const late = c.running.find((launch) => launch.resource === far);
    c.step({ type: 'resource-lost', resource: far, reason: 'silent' });
    c.forgetRunning(far);
    c.step({
      type: 'invocation-settled',
      invocation: late?.invocation as never,
      outcome: { status: 'completed', outputs: [] },
    });
    expect(c.core.stats().ignored).toBe(1);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('lets a leaving node end its tasks and copies what only it holds', () => {
    const c = caseWith(0);
    const far = c.join(aResource('far', 1));
    c.submit(aTask().writing(0));
    const launch = c.running[0];
    c.step({ type: 'resource-leave-requested', resource: far });
    const version = launch?.outputs[0] as VersionId;
    expect(c.settle(launch)).toContainEqual({ type: 'transfer', version, to: 0 });
    expect(c.step({ type: 'replica-added', version, resource: 0 as never, bytes: 8 })).toContainEqual({
      type: 'resource-drained',
      resource: far,
    });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });
});

describe('units', () => {
  it('gives a suspended attempt its units back before anything new', () => {
    const c = caseWith(1);
    c.submit(aTask());
    c.submit(aTask());
    c.submit(aTask());
    const [parent] = c.running;
    c.step({ type: 'invocation-suspended', invocation: parent?.invocation as never });
    expect(c.running).toHaveLength(2);
    c.step({ type: 'invocation-resume-requested', invocation: parent?.invocation as never });
    const effects = c.settle(c.running[1]);
    expect(effects.filter((one) => one.type === 'resume' || one.type === 'launch')).toMatchObject([
      { type: 'resume', invocation: parent?.invocation },
    ]);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('matches constraints, an unassigned side always, and says why a task waits', () => {
    const c = caseWith(2);
    c.submit(aTask().needing({ memoryGb: 4, processors: [{ type: 'CPU', units: 2 }] }));
    c.submit(aTask().needing({ processors: [{ type: 'GPU', units: 1 }] }));
    expect(c.running).toHaveLength(1);
    expect(c.effects.find((one) => one.type === 'notice')).toMatchObject({ error: { code: 'ERR_UNSCHEDULABLE' } });
    const waiting = c.core.taskOf(SCOPE, 1);
    expect(c.core.explain(waiting as never).resources).toEqual([
      { name: 'self', reason: expect.stringContaining('0 of 1 GPU') },
    ]);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('takes priority first, then the order of submission, or the newest with lifo', () => {
    for (const [policy, order] of [
      ['fifo', [2, 0, 1]],
      ['lifo', [2, 1, 0]],
    ] as const) {
      const c = new SchedulerCase({ policy });
      c.submit(aTask());
      c.submit(aTask());
      c.submit(aTask().with({ priority: true }));
      c.join(aResource('self', 1));
      const seen = order.map(() => {
        const [launch] = c.running;
        const { seq } = c.core.task(launch?.task as never) as { seq: number };
        c.settle(launch);
        return seq;
      });
      expect(seen).toEqual(order);
      expect(c.close()).toEqual(NOTHING_LEFT);
    }
  });
});

describe('cancellation', () => {
  it('cancels what waits at once and what runs when its node has answered, with all that reads them', () => {
    const c = caseWith(1);
    c.submit(aTask().writing(0));
    c.submit(aTask().reading(0));
    c.submit(aTask());
    c.step({ type: 'cancel-requested', scope: SCOPE, target: { all: true }, reason: 'test' });
    expect(c.outcomes()).toEqual({ 1: 'cancelled', 2: 'cancelled' });
    c.settle(c.running[0], { status: 'cancelled' });
    expect(c.outcomes()).toEqual({ 0: 'cancelled', 1: 'cancelled', 2: 'cancelled' });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('cancels the children of an attempt that is lost, and keeps an output that is a child’s', () => {
    const c = caseWith(2);
    c.submit(aTask().with({ returns: [9 as Handle] }));
    const parent = c.running[0];
    const child = 5 as never;
    c.step({ type: 'scope-opened', scope: child, name: 'child', parent: parent?.invocation as never });
    c.step({
      type: 'task-submitted',
      task: { scope: child, seq: 0, core: 0 as never, accesses: [], returns: [0 as Handle] },
    });
    const inner = c.running[1];
    c.settle(inner);
    c.step({ type: 'scope-closed', scope: child });
    c.settle(parent, { status: 'completed', outputs: [{ bytes: 0, inline: false, delegatedTo: 0 as Handle }] });
    const wait = c.wait({ on: 'data', handles: [9 as Handle] });
    expect(wait()).toMatchObject({ result: { status: 'satisfied', versions: inner?.outputs } });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });
});
