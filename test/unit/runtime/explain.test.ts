import { beforeEach, describe, expect, it } from 'vitest';
import type {
  GroupId,
  Handle,
  InvocationId,
  ResourceId,
  ScopeId,
  TaskId,
  WaitId,
} from '../../../src/runtime/model/ids.ts';
import type { Explanation } from '../../../src/runtime/scheduler/core.ts';
import { aResource, aTask, type Launch, SCOPE, SchedulerCase, type TaskBuilder } from '../../support/scheduler-case.ts';

let c: SchedulerCase;
beforeEach(() => {
  c = new SchedulerCase();
});

const idOf = (seq: number): TaskId => {
  const id = c.core.taskOf(SCOPE, seq);
  if (id === undefined) throw new Error(`task ${seq} is not known`);
  return id;
};
const explained = (seq: number): Explanation => c.core.explain(idOf(seq));
/** Submits and explains. */
const why = (task: TaskBuilder): Explanation => explained(c.submit(task));
const last = (): Launch => c.running.at(-1)!;
const start = (launch: Launch = last()): void => {
  c.step({ type: 'invocation-started', invocation: launch.invocation });
};
const cpus = (units: number) => ({ processors: [{ type: 'CPU' as const, units }] });

describe('a ready task, and why nobody runs it', () => {
  it('no node: add one', () => {
    expect(why(aTask()).summary).toBe('t1 waits for a node: there is none. Add one (add-resources).');
  });

  it('constraints that no node meets: which, and what to add', () => {
    c.join(aResource('n0', 2));
    c.join(aResource('n1', 4, { languages: ['PYTHON'] }));
    const { summary, resources } = why(aTask().needing(cpus(8)));
    expect(summary).toContain('t1 cannot run on any node');
    expect(summary).toContain('add it (add-resources), or ask for less');
    expect(resources[0]!.reason).toContain('8');
    expect(resources[1]).toEqual({ name: 'n1', reason: 'runs PYTHON, not JS' });
  });

  it('a node by name that is not there', () => {
    c.join(aResource('n0', 2));
    const { summary } = why(aTask().needing({ nodes: ['big'] }));
    expect(summary).toContain('n0 is not one of big');
    expect(summary).toContain('add it');
  });

  it('no slot: how busy the nodes are, and how many go before', () => {
    c.join(aResource('n0', 1, { limitOfTasks: 1 }));
    for (let task = 0; task < 4; task++) c.submit(aTask().needing({ memoryGb: 0.5 }));
    expect(explained(1).summary).toBe(
      't2 waits for a free slot: n0 is busy: 1 tasks, its limit. It is the next of its kind (m#f). ' +
        'More nodes or slots (add-resources) shorten the wait.',
    );
    expect(explained(3).summary).toContain('2 of its kind (m#f) go before it.');
  });

  it('not enough of something else than slots', () => {
    c.join(aResource('n0', 4, { memoryGb: 2 }));
    c.submit(aTask().needing({ memoryGb: 2 }));
    const { summary } = why(aTask().needing({ memoryGb: 1 }));
    expect(summary).toContain('n0 is busy: not enough of {"memoryGb":1} free');
  });

  it('only a node that leaves could run it', () => {
    c.join(aResource('n0', 1));
    const leaving = c.join(aResource('n1', 4));
    c.submit(aTask().needing(cpus(4)));
    c.step({ type: 'resource-leave-requested', resource: leaving });
    const { summary } = why(aTask().needing(cpus(4)));
    expect(summary).toBe('t2 waits for a node that takes work: n1 is leaving. Add another one (add-resources).');
  });

  it('too few nodes for a task of several', () => {
    c.join(aResource('n0', 2));
    const { summary } = why(aTask().with({ computingNodes: 2 }));
    expect(summary).toContain('needs 2 nodes at once, and only 1 can run it');
    expect(summary).toContain('Add nodes (add-resources), or ask for fewer (computingNodes)');
  });

  it('enough nodes for a task of several, but not at once', () => {
    c.join(aResource('n0', 1));
    c.join(aResource('n1', 1));
    c.submit(aTask());
    const { summary } = why(aTask().with({ computingNodes: 2 }));
    expect(summary).toContain('waits until 2 nodes have room at once: n0 is busy: 0 of 1 CPU units free');
    expect(summary).toContain('n1 has room, but not enough nodes have');
  });

  it('another task changes the same data as COMMUTATIVE', () => {
    c.join(aResource('n0', 4));
    c.submit(aTask().writing(0));
    c.settle(last());
    for (let task = 0; task < 2; task++) c.submit(changing('COMMUTATIVE'));
    expect(explained(2).summary).toContain('t3 waits until t2 has done with the data that both change as COMMUTATIVE');
  });

  it('tasks change the same data as CONCURRENT on a node that is full', () => {
    c.join(aResource('n0', 1));
    c.submit(aTask().writing(0));
    c.settle(last());
    c.submit(changing('CONCURRENT'));
    c.join(aResource('n1', 1));
    const { summary } = why(changing('CONCURRENT'));
    expect(summary).toContain('t3 has to run on n0, where tasks change the same data as CONCURRENT: n0 is busy');
    expect(summary).toContain('It starts when there is room');
  });

  it('it has failed before, and where', () => {
    c.join(aResource('n0', 1));
    const seq = c.submit(aTask().needing({ memoryGb: 0.5 }));
    c.settle(last(), { status: 'failed', error: { code: 'ERR_TASK_FAILED', message: 'no' } });
    c.settle(last(), { status: 'failed', error: { code: 'ERR_TASK_FAILED', message: 'no' } });
    c.settle(last(), { status: 'failed', error: { code: 'ERR_TASK_FAILED', message: 'no' } });
    c.step({ type: 'resource-shrink-requested', resource: 0 as ResourceId, by: aResource('n0', 1) });
    c.settle(last(), { status: 'recalled' });
    expect(explained(seq).summary).toContain('It has failed 3 times');
  });

  it('its node was lost: how often, and when that ends', () => {
    c.join(aResource('n0', 0));
    const lost = c.join(aResource('n1', 1));
    const seq = c.submit(aTask());
    c.step({ type: 'resource-lost', resource: lost, reason: 'killed' });
    const { summary } = explained(seq);
    expect(summary).toContain('cannot run on any node: n0');
    expect(summary).toContain('It runs again since its node was lost once; after 5 losses it fails.');
  });
});

const changing = (direction: 'COMMUTATIVE' | 'CONCURRENT'): TaskBuilder => {
  const task = aTask();
  task.accesses.push({ handle: 0 as Handle, direction, kind: 'value' });
  return task;
};

describe('a blocked task', () => {
  it('names what it waits for, and why the first of the chain waits', () => {
    c.submit(aTask().writing(0));
    c.submit(aTask().reading(0).writing(1));
    const { summary, waitsFor } = why(aTask().reading(1));
    expect(summary).toBe(
      't3 waits for d2v1 of t2 (blocked). t1 waits for a node: there is none. Add one (add-resources).',
    );
    expect(waitsFor).toEqual([{ version: 'd2v1', writer: idOf(1), status: 'blocked' }]);
  });

  it('follows a long chain without end', () => {
    for (let link = 0; link < 3000; link++) c.core.step(0 as never, [{ type: 'task-submitted', task: chained(link) }]);
    const { summary } = c.core.explain(c.core.taskOf(SCOPE, 2999)!);
    expect(summary).toBe('t3000 waits for d2999v1 of t2999 (blocked).');
    expect(c.core.explain(c.core.taskOf(SCOPE, 900)!).summary).toContain('t1 waits for a node');
  });

  it('says that lost data is written again', () => {
    c.join(aResource('n0', 0));
    const lost = c.join(aResource('n1', 1));
    c.submit(aTask().writing(0));
    c.settle(last());
    const seq = c.submit(aTask().reading(0).needing(cpus(2)));
    c.step({ type: 'resource-lost', resource: lost, reason: 'killed' });
    const { summary } = explained(seq);
    expect(summary).toMatch(
      /t2 waits for d1v1 of t\d+ \(ready\), which writes it again since all copies of it were lost/,
    );
    expect(summary).toContain('t3 cannot run on any node: n0 has 0 of 1 CPU units');
  });
});

const chained = (link: number) => ({
  ...aTask()
    .reading(link - 1)
    .writing(link).more,
  scope: SCOPE,
  seq: link,
  core: 0 as never,
  accesses: (link === 0 ? aTask() : aTask().reading(link - 1)).writing(link).accesses,
  returns: [],
});

describe('a task that was sent to a node', () => {
  it('whose data is on its way: which, how much, from where', () => {
    c.join(aResource('n0', 0));
    const first = c.join(aResource('n1', 1));
    c.submit(aTask().writing(0));
    c.settle(last());
    c.join(aResource('n2', 1));
    c.submit(aTask());
    c.submit(aTask());
    expect(new Set(c.running.map((launch) => launch.resource))).toContain(first);
    const seq = c.submit(
      aTask()
        .reading(0)
        .needing({ nodes: ['n2'] }),
    );
    for (const launch of c.running) if (launch.task !== idOf(seq)) c.settle(launch);
    expect(explained(seq).summary).toBe(
      't4 was sent to n2 (attempt 1), which brings its data first: d1v1 (8 bytes) from n1.',
    );
    c.step({ type: 'replica-added', version: last().inputs[0]!, resource: last().resource, bytes: 8 });
    expect(explained(seq).summary).toContain('was sent to n2 (attempt 1), which has not started it yet');
    start();
    expect(explained(seq).summary).toBe('t4 runs on n2 (attempt 1).');
  });

  it('ahead of a slot', () => {
    c.join(aResource('n0', 0));
    c.join(aResource('n1', 1));
    c.submit(aTask());
    const seq = c.submit(aTask());
    expect(explained(seq).summary).toBe(
      't2 was sent ahead to n1 (attempt 1) and waits there for a slot: 0 go before it.',
    );
  });

  it('that is being cancelled and whose node does not answer', () => {
    c.join(aResource('n0', 1));
    const seq = c.submit(aTask());
    c.step({ type: 'cancel-requested', scope: SCOPE, target: { task: seq }, reason: 'asked for' });
    expect(explained(seq).summary).toBe(
      't1 is being cancelled (asked for): n0 was told to stop it and has not answered. If n0 is dead, say so (lost-node).',
    );
  });
});

describe('a task that waits inside', () => {
  const CHILD = 1 as ScopeId;
  let parent: Launch;
  let seq: number;
  const submitChild = (index: number, groups: readonly GroupId[] = []): void => {
    const spec = { scope: CHILD, seq: index, core: 0 as never, accesses: [], returns: [], groups };
    c.step({ type: 'task-submitted', task: spec });
  };

  beforeEach(() => {
    c.join(aResource('n0', 1));
    seq = c.submit(aTask());
    parent = last();
    start(parent);
    c.step({ type: 'scope-opened', scope: CHILD, name: 'child', parent: parent.invocation });
  });

  it('at a barrier: names the tasks', () => {
    submitChild(0);
    submitChild(1);
    c.step({ type: 'wait-requested', scope: CHILD, wait: 9 as WaitId, target: { on: 'scope' } });
    c.step({ type: 'invocation-suspended', invocation: parent.invocation });
    expect(explained(seq).summary).toMatch(
      /^t1 waits inside on n0 \(attempt 1\), without its slot, for a barrier: t2 \(assigned\), t3 \(\w+\)\.$/,
    );
  });

  it('at the barrier of a group: names the group and its tasks', () => {
    const group = 4 as GroupId;
    c.step({ type: 'group-opened', scope: CHILD, group, name: 'blocks' });
    submitChild(0);
    submitChild(1, [group]);
    c.step({ type: 'wait-requested', scope: CHILD, wait: 9 as WaitId, target: { on: 'group', group } });
    c.step({ type: 'invocation-suspended', invocation: parent.invocation });
    const { summary } = explained(seq);
    expect(summary).toContain('for the barrier of its group blocks: t3');
    expect(summary).not.toContain('t2 ');
  });

  it('after its code has ended, for what it submitted', () => {
    submitChild(0);
    c.step({
      type: 'invocation-settled',
      invocation: parent.invocation,
      outcome: { status: 'completed', outputs: [] },
    });
    expect(explained(seq).summary).toBe('t1 has run on n0 (attempt 1) and waits for t2 (assigned).');
  });

  it('for its slot, when it may go on', () => {
    submitChild(0);
    c.step({ type: 'invocation-suspended', invocation: parent.invocation });
    const child: InvocationId = last().invocation;
    c.step({ type: 'invocation-started', invocation: child });
    c.step({ type: 'invocation-resume-requested', invocation: parent.invocation });
    expect(explained(seq).summary).toBe(
      't1 wants to go on on n0 (attempt 1) and waits for its slot there: 0 of 1 CPU units are free.',
    );
  });
});

describe('the story of a task', () => {
  it('tells each move, what caused it and where', () => {
    c.join(aResource('n0', 0));
    const lost = c.join(aResource('n1', 1));
    const seq = c.submit(aTask());
    start();
    c.step({ type: 'resource-lost', resource: lost, reason: 'killed' });
    const again = c.join(aResource('n2', 1));
    const id = idOf(seq);
    c.settle(last());
    const told = c.core.story(id).map(({ from, to, cause, resource }) => `${from} ${to} ${cause} ${resource ?? '-'}`);
    expect(told).toEqual([
      'blocked ready task-submitted -',
      `ready assigned task-submitted ${lost}`,
      `assigned running invocation-started ${lost}`,
      'running ready resource-lost -',
      `ready assigned resource-joined ${again}`,
      'assigned completed invocation-settled -',
    ]);
  });

  it('of one that is forgotten is empty, and its explanation says so', () => {
    c = new SchedulerCase({ historySize: 0 });
    c.join(aResource('n0', 1));
    const id = idOf(c.submit(aTask()));
    c.settle(last());
    expect(c.core.explain(id).summary).toContain('has settled and is forgotten');
  });
});
