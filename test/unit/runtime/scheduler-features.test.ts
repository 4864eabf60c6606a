import { describe, expect, it } from 'vitest';
import type { Direction } from '../../../src/runtime/model/access.ts';
import type { Implementation } from '../../../src/runtime/model/core-element.ts';
import type { CoreId, GroupId, Handle } from '../../../src/runtime/model/ids.ts';
import type { Constraints, ResourceDescription } from '../../../src/runtime/model/resource.ts';
import type { CoreOptions } from '../../../src/runtime/scheduler/core.ts';
import { aResource, aTask, type Launch, SCOPE, SchedulerCase, type TaskBuilder } from '../../support/scheduler-case.ts';

const FAILED = { status: 'failed', error: { code: 'ERR_TASK_FAILED', message: 'no' } } as const;
const cpus = (units: number) => ({ processors: [{ type: 'CPU' as const, units }] });

const accessing = (direction: Direction, handle = 0): TaskBuilder => {
  const task = aTask();
  task.accesses.push({ handle: handle as Handle, direction, kind: 'value' });
  return task;
};

function caseWith(nodes: readonly ResourceDescription[], options: CoreOptions = {}): SchedulerCase {
  const c = new SchedulerCase(options);
  for (const node of nodes) c.join(node);
  return c;
}

const nodeOf = (c: SchedulerCase, launch: Launch | undefined): string =>
  c.core.resources().find((one) => one.id === launch?.resource)!.description.name;

/** Where the only task runs. */
function placeOf(constraints: Constraints, ...nodes: readonly ResourceDescription[]): string | undefined {
  const c = caseWith(nodes);
  c.submit(aTask().needing(constraints));
  return c.running.length === 0 ? undefined : nodeOf(c, c.running[0]);
}

describe('directions', () => {
  it('COMMUTATIVE: one at a time, in any order, each on what the one before has left; a reader waits for all', () => {
    const c = caseWith([aResource('n0', 8)]);
    c.submit(accessing('OUT'));
    c.settle(c.running[0]);
    c.submit(accessing('COMMUTATIVE').needing(cpus(9)));
    const members = [c.submit(accessing('COMMUTATIVE')), c.submit(accessing('COMMUTATIVE'))];
    const reader = c.submit(accessing('IN'));
    expect(c.running).toHaveLength(1);
    const first = c.running[0]!;
    c.settle(first);
    const second = c.running[0]!;
    expect(second.inputs).toEqual(first.outputs);
    c.settle(second);
    expect(members.map((seq) => c.outcomes()[seq])).toEqual(['completed', 'completed']);
    expect(c.running).toHaveLength(0);
    c.join(aResource('n1', 9));
    c.settle(c.running[0]);
    expect(c.running.map(({ task }) => task)).toEqual([c.core.taskOf(SCOPE, reader)]);
    expect(c.close()).toEqual({ liveTasks: 0, liveVersions: 0 });
  });

  it('CONCURRENT: at once, on one node, on one instance; a reader waits for all', () => {
    const c = caseWith([aResource('n0', 1), aResource('n1', 3)]);
    c.submit(accessing('OUT').needing({ nodes: ['n1'] }));
    c.settle(c.running[0]);
    for (let member = 0; member < 3; member++) c.submit(accessing('CONCURRENT'));
    c.submit(accessing('IN'));
    const members = c.running;
    expect(new Set(members.map((launch) => launch.resource)).size).toBe(1);
    expect(new Set(members.flatMap((launch) => launch.outputs)).size).toBe(1);
    expect(nodeOf(c, members[0])).toBe('n1');
    expect(members).toHaveLength(3);
    // Nobody has written the instance yet: where attempts work on copies, all start from what the first one reads.
    expect(members.map(({ bases }) => bases)).toEqual([undefined, members[0]!.inputs, members[0]!.inputs]);
    c.settle(members[0]);
    c.settle(members[2]);
    expect(c.running).toEqual([members[1]]);
    c.settle(members[1]);
    expect(c.running[0]!.inputs).toEqual(members[0]!.outputs);
    expect(c.close()).toEqual({ liveTasks: 0, liveVersions: 0 });
  });

  it('IN_DELETE: reads, and nobody can name the datum after it', () => {
    const c = caseWith([aResource('n0', 2)]);
    c.submit(accessing('OUT'));
    c.settle(c.running[0]);
    c.submit(accessing('IN_DELETE'));
    const late = c.submit(accessing('IN'));
    expect(c.outcomes()[late]).toBe('failed');
    const [launch] = c.running;
    c.settle(launch);
    expect(c.effects).toContainEqual({ type: 'free', version: launch!.inputs[0], resource: launch!.resource });
  });

  it('a collection is its elements: one access each, written by as many tasks', () => {
    const c = caseWith([aResource('n0', 4)]);
    for (let element = 0; element < 4; element++) c.submit(accessing('OUT', element));
    const sum = aTask();
    for (let element = 0; element < 4; element++) sum.reading(element);
    const seq = c.submit(sum);
    const writers = c.running;
    for (const writer of writers) {
      expect(c.core.task(c.core.taskOf(SCOPE, seq)!)!.status).toBe('blocked');
      c.settle(writer);
    }
    expect(c.running[0]!.inputs).toEqual(writers.flatMap((writer) => writer.outputs));
  });
});

describe('onFailure', () => {
  const outcomesWith = (onFailure: 'FAIL' | 'IGNORE' | 'CANCEL_SUCCESSORS') => {
    const c = caseWith([aResource('n0', 2)]);
    c.submit(accessing('OUT').with({ onFailure }));
    c.submit(accessing('INOUT'));
    c.submit(accessing('IN'));
    c.submit(accessing('OUT', 1));
    const [failing] = c.running;
    c.settle(failing, FAILED);
    c.close();
    return Object.values(c.outcomes());
  };

  it('FAIL fails what depends on it, and nothing else', () => {
    expect(outcomesWith('FAIL')).toEqual(['failed', 'failed', 'failed', 'completed']);
  });

  it('IGNORE lets what depends on it go on, with nothing in the output', () => {
    expect(outcomesWith('IGNORE')).toEqual(['completed', 'completed', 'completed', 'completed']);
  });

  it('CANCEL_SUCCESSORS cancels what depends on it, and nothing else', () => {
    expect(outcomesWith('CANCEL_SUCCESSORS')).toEqual(['failed', 'cancelled', 'cancelled', 'completed']);
  });

  it('RETRY: twice on one node, twice on another, then it has failed', () => {
    const c = caseWith([aResource('n0', 1), aResource('n1', 1)]);
    c.submit(aTask());
    const nodes: string[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      nodes.push(nodeOf(c, c.running[0]));
      c.settle(c.running[0], FAILED);
    }
    expect(nodes).toEqual(['n0', 'n0', 'n1', 'n1']);
    expect(c.outcomes()).toEqual({ 0: 'failed' });
  });
});

describe('groups', () => {
  it('the barrier of an outer group waits for the members of an inner one, and of no other', () => {
    const c = caseWith([aResource('n0', 4)]);
    const [outer, inner, other] = [1, 2, 3] as GroupId[];
    c.step({ type: 'group-opened', scope: SCOPE, group: outer!, name: 'outer' });
    c.step({ type: 'group-opened', scope: SCOPE, group: inner!, name: 'inner', parent: outer! });
    c.step({ type: 'group-opened', scope: SCOPE, group: other!, name: 'other' });
    c.submit(aTask().with({ groups: [inner!] }));
    c.submit(aTask().with({ groups: [other!] }));
    const done = c.wait({ on: 'group', group: outer! });
    expect(done()).toBeUndefined();
    c.settle(c.running[0]);
    expect(done()).toMatchObject({ result: { status: 'satisfied' } });
    expect(c.running).toHaveLength(1);
  });

  it('cancelling a group cancels its members alone', () => {
    const c = caseWith([aResource('n0', 1)]);
    const group = 1 as GroupId;
    c.step({ type: 'group-opened', scope: SCOPE, group, name: 'g' });
    c.submit(aTask().needing({ memoryGb: 0 }));
    c.submit(
      aTask()
        .needing(cpus(1))
        .with({ groups: [group] }),
    );
    c.step({ type: 'cancel-requested', scope: SCOPE, target: { group }, reason: 'enough' });
    c.close();
    expect(c.outcomes()).toEqual({ 0: 'completed', 1: 'cancelled' });
  });
});

describe('constraints', () => {
  const plain = aResource('plain', 2);

  it.each<[string, Constraints, Partial<ResourceDescription>]>([
    ['memory', { memoryGb: 8 }, { memoryGb: 16 }],
    ['storage', { storageGb: 100, storageType: 'SSD' }, { storageGb: 200, storageType: 'ssd' }],
    ['software', { software: ['Python', 'numpy'] }, { software: ['NUMPY', 'python', 'perl'] }],
    ['operating system', { operatingSystem: { type: 'Linux' } }, { operatingSystem: { type: 'linux', version: '6' } }],
    ['queues', { hostQueues: ['gpu'] }, { hostQueues: ['cpu', 'GPU'] }],
    ['wall clock', { wallClockLimitMinutes: 10 }, { wallClockLimitMinutes: 60 }],
  ])('%s', (_, constraints, more) => {
    expect(placeOf(constraints, aResource('fits', 2, more))).toBe('fits');
    const less = { memoryGb: 4, storageGb: 50, software: ['perl'], operatingSystem: { type: 'Windows' } };
    const poor = aResource('poor', 2, { ...less, storageType: 'HDD', hostQueues: ['cpu'], wallClockLimitMinutes: 5 });
    expect(placeOf(constraints, poor)).toBeUndefined();
    expect(placeOf(constraints, poor, aResource('fits', 2, more))).toBe('fits');
  });

  it('what is not given on either side matches', () => {
    expect(placeOf({ memoryGb: 64, operatingSystem: { type: 'Linux' } }, plain)).toBe('plain');
    expect(placeOf({}, aResource('full', 1, { memoryGb: 1 }))).toBe('full');
  });

  it('processors by type and architecture', () => {
    const arm = aResource('arm', 0, {
      processors: [{ name: 'p', type: 'CPU', units: 4, architecture: 'aarch64' }],
    });
    const gpu = aResource('gpu', 0, {
      processors: [
        { name: 'p', type: 'CPU', units: 4, architecture: 'x86_64' },
        { name: 'g', type: 'GPU', units: 1, internalMemoryGb: 24 },
      ],
    });
    expect(placeOf({ processors: [{ type: 'CPU', units: 1, architecture: 'X86_64' }] }, arm, gpu)).toBe('gpu');
    expect(placeOf({ processors: [{ type: 'GPU', units: 1, internalMemoryGb: 16 }] }, arm, gpu)).toBe('gpu');
    expect(placeOf({ processors: [{ type: 'GPU', units: 2 }] }, arm, gpu)).toBeUndefined();
    expect(placeOf({ processors: [{ type: 'CPU', units: 4, architecture: 'aarch64' }] }, gpu, arm)).toBe('arm');
  });

  it('limitOfTasks holds, whatever the processors', () => {
    const c = caseWith([aResource('n0', 8, { limitOfTasks: 2 })]);
    for (let task = 0; task < 3; task++) c.submit(aTask().needing({ memoryGb: 0.1 }));
    expect(c.running).toHaveLength(2);
  });
});

describe('several implementations', () => {
  const TWO = 1 as CoreId;
  const implementation = (method: string, more: Partial<Implementation> = {}): Implementation => ({
    language: 'JS',
    module: 'm',
    method,
    ...more,
  });

  it('the one that a node can run; the faster one once both are known', () => {
    const c = caseWith([aResource('n0', 1)]);
    const gpu = { processors: [{ type: 'GPU' as const, units: 1 }] };
    const implementations = [
      implementation('onGpu', { constraints: gpu }),
      implementation('slow'),
      implementation('fast'),
    ];
    c.step({ type: 'core-registered', core: TWO, element: { signature: 'two', implementations } });
    const ran: number[] = [];
    for (let run = 0; run < 6; run++) {
      c.submit(aTask().with({ core: TWO }));
      const [launch] = c.running;
      ran.push(launch!.implementation);
      c.settle(launch, { status: 'completed', ranMs: launch!.implementation === 1 ? 100 : 10 });
    }
    expect(ran).not.toContain(0);
    expect(new Set(ran)).toEqual(new Set([1, 2]));
    expect(ran.slice(2)).toEqual([2, 2, 2, 2]);
  });
});

describe('policies', () => {
  const nodes = [
    aResource('self', 0),
    aResource('fast', 4, { processors: [cpu(4)], pricePerHour: 100, idlePowerWatts: 500 }),
    aResource('cheap', 4, { processors: [cpu(1)], pricePerHour: 1, idlePowerWatts: 200 }),
    aResource('frugal', 4, { processors: [cpu(1)], pricePerHour: 50, idlePowerWatts: 5 }),
  ];
  function cpu(speed: number) {
    return { name: 'p', type: 'CPU' as const, units: 4, speed };
  }
  const chosen = (weights: NonNullable<CoreOptions['weights']>): string => {
    const c = caseWith(nodes, { policy: 'weighted', weights });
    c.submit(aTask());
    return nodeOf(c, c.running[0]);
  };

  it('weighted: the fastest, the cheapest or the most frugal node, as the weights say', () => {
    expect(chosen({ time: 1 })).toBe('fast');
    expect(chosen({ time: 0, cost: 1 })).toBe('cheap');
    expect(chosen({ time: 0, energy: 1 })).toBe('frugal');
  });

  it('load-balance: the node with the greatest share of free units, whatever the class', () => {
    const c = caseWith([aResource('self', 2), aResource('big', 8), aResource('small', 2)], { policy: 'load-balance' });
    const placed = Array.from({ length: 12 }, () => {
      c.submit(aTask());
      return nodeOf(c, c.running.at(-1));
    });
    const count = (name: string) => placed.filter((one) => one === name).length;
    expect([count('self'), count('big'), count('small')]).toEqual([2, 8, 2]);
    expect(placed.slice(0, 6).filter((one) => one === 'big').length).toBeGreaterThanOrEqual(3);
  });

  it('fifo-strict: nobody overtakes the first, fifo: whoever fits', () => {
    for (const [policy, expected] of [
      ['fifo-strict', 1],
      ['fifo', 2],
    ] as const) {
      const c = caseWith([aResource('n0', 2)], { policy });
      c.submit(aTask().needing({ memoryGb: 0.5 }));
      c.submit(aTask().needing(cpus(2)));
      c.submit(aTask().needing({ memoryGb: 0.25 }));
      expect(c.running, policy).toHaveLength(expected);
    }
  });

  it('locality: where most of its data is, by the weights of its accesses', () => {
    const c = caseWith([aResource('self', 0), aResource('n1', 2), aResource('n2', 2)]);
    c.submit(accessing('OUT', 0).needing({ nodes: ['n1'] }));
    c.submit(accessing('OUT', 1).needing({ nodes: ['n1'] }));
    c.submit(accessing('OUT', 2).needing({ nodes: ['n2'] }));
    for (const launch of c.running) c.settle(launch);
    c.submit(aTask().reading(0).reading(1).reading(2));
    expect(nodeOf(c, c.running[0])).toBe('n1');
    c.settle(c.running[0]);
    const heavy = aTask().reading(0).reading(1);
    heavy.accesses.push({ handle: 2 as Handle, direction: 'IN', kind: 'value', weight: 5 });
    c.submit(heavy);
    expect(nodeOf(c, c.running[0])).toBe('n2');
  });
});

describe('tasks of several nodes', () => {
  it('computingNodes: all at once, with the others as companions, and no unit is free for anybody else', () => {
    const c = caseWith([aResource('n0', 1), aResource('n1', 1), aResource('n2', 1)]);
    c.submit(aTask().with({ computingNodes: 3 }));
    const [gang] = c.running;
    expect(new Set([gang!.resource, ...gang!.companions!]).size).toBe(3);
    expect(c.core.resources().map((one) => one.freeCpus)).toEqual([0, 0, 0]);
    c.settle(gang);
    expect(c.core.resources().map((one) => one.freeCpus)).toEqual([1, 1, 1]);
    expect(c.outcomes()).toEqual({ 0: 'completed' });
  });

  it('computingNodes: when a node of it is lost all of it runs again', () => {
    const c = caseWith([aResource('n0', 1), aResource('n1', 1), aResource('n2', 1)]);
    c.submit(aTask().with({ computingNodes: 2 }));
    const [gang] = c.running;
    const companion = gang!.companions![0]!;
    c.step({ type: 'resource-lost', resource: companion, reason: 'killed' });
    expect(c.effects).toContainEqual(expect.objectContaining({ type: 'cancel', invocation: gang!.invocation }));
    c.settle(gang, { status: 'cancelled' });
    const [again] = c.running;
    expect([again!.resource, ...again!.companions!]).not.toContain(companion);
    expect(c.close()).toEqual({ liveTasks: 0, liveVersions: 0 });
  });

  it('isReplicated: one attempt on every node, done when all are', () => {
    const c = caseWith([aResource('n0', 1), aResource('n1', 1), aResource('n2', 1)]);
    c.submit(aTask().with({ isReplicated: true }));
    const copies = c.running;
    expect(new Set(copies.map((launch) => launch.resource)).size).toBe(3);
    for (const copy of copies) {
      expect(c.outcomes()).toEqual({});
      c.settle(copy);
    }
    expect(c.outcomes()).toEqual({ 0: 'completed' });
  });

  it('isDistributed: the nodes in turn', () => {
    const c = caseWith([aResource('n0', 4), aResource('n1', 4), aResource('n2', 4)]);
    for (let task = 0; task < 6; task++) c.submit(aTask().with({ isDistributed: true }));
    const used = c.running.map((launch) => nodeOf(c, launch));
    expect(used.slice(0, 3).toSorted()).toEqual(['n0', 'n1', 'n2']);
    expect(used.slice(3)).toEqual(used.slice(0, 3));
  });
});

describe('a pool that shrinks', () => {
  it('waits until so much is free, takes nothing new meanwhile, and goes on with what is left', () => {
    const c = caseWith([aResource('n0', 4)]);
    for (let task = 0; task < 3; task++) c.submit(aTask());
    c.step({ type: 'resource-shrink-requested', resource: c.running[0]!.resource, by: aResource('n0', 2) });
    expect(c.effects.some((one) => one.type === 'resource-resized')).toBe(false);
    c.submit(aTask());
    expect(c.running).toHaveLength(3);
    c.settle(c.running[0]);
    expect(c.core.resources()[0]).toMatchObject({ state: 'active', freeCpus: 0 });
    expect(c.effects).toContainEqual(expect.objectContaining({ type: 'resource-resized' }));
    c.settle(c.running[0]);
    const units = c.core.resources()[0]!.description.processors.reduce((sum, one) => sum + one.units, 0);
    expect(units).toBe(2);
    expect(c.close()).toEqual({ liveTasks: 0, liveVersions: 0 });
  });
});
