import fc from 'fast-check';
import type { Direction } from '../../../src/runtime/model/access.ts';
import type { GroupId, Handle } from '../../../src/runtime/model/ids.ts';
import type { InvocationOutcome } from '../../../src/runtime/model/outcome.ts';
import type { OnFailure, TaskSpec } from '../../../src/runtime/model/task.ts';
import type { CoreOptions } from '../../../src/runtime/scheduler/core.ts';
import type { ProgramTask } from './content.ts';
import { aNode } from './state.ts';
import { ModelWorld } from './world.ts';

/** One step of a history. Numbers pick among what is alive, so that histories stay interesting when they are shrunk. */
export type Move =
  | { readonly do: 'submit'; readonly task: ProgramTask }
  | { readonly do: 'finish'; readonly pick: number; readonly how: InvocationOutcome['status']; readonly early: boolean }
  | { readonly do: 'declare'; readonly handle: number; readonly node: number }
  | { readonly do: 'wait'; readonly on: 'data' | 'tasks' | 'group' | 'scope'; readonly pick: number }
  | { readonly do: 'cancel'; readonly what: 'task' | 'group' | 'all'; readonly pick: number }
  | { readonly do: 'transfer'; readonly pick: number; readonly succeeds: boolean }
  | { readonly do: 'join'; readonly cpus: number; readonly gpus: number }
  | { readonly do: 'resize'; readonly pick: number; readonly by: number; readonly grow: boolean }
  | {
      readonly do:
        | 'deliver'
        | 'suspend'
        | 'resume'
        | 'lose'
        | 'leave'
        | 'release'
        | 'abandon'
        | 'late'
        | 'close-child'
        | 'lose-replica';
      readonly pick: number;
    };

const HANDLES = 6;
const GROUPS = 3;
const pick = fc.nat(50);

const direction = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Direction>('IN') },
  { weight: 3, arbitrary: fc.constant<Direction>('OUT') },
  { weight: 3, arbitrary: fc.constant<Direction>('INOUT') },
  { weight: 3, arbitrary: fc.constant<Direction>('COMMUTATIVE') },
  { weight: 3, arbitrary: fc.constant<Direction>('CONCURRENT') },
  { weight: 1, arbitrary: fc.constant<Direction>('IN_DELETE') },
);
const accesses = fc.uniqueArray(fc.record({ handle: fc.nat(HANDLES - 1), direction }), {
  maxLength: 3,
  selector: ({ handle }) => handle,
});
const onFailure = fc.constantFrom<OnFailure>('RETRY', 'RETRY', 'FAIL', 'IGNORE', 'CANCEL_SUCCESSORS');
const more = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Partial<TaskSpec>>({}) },
  { weight: 1, arbitrary: fc.constant<Partial<TaskSpec>>({ priority: true }) },
  {
    weight: 1,
    arbitrary: fc.constant<Partial<TaskSpec>>({ constraints: { processors: [{ type: 'CPU', units: 2 }] } }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Partial<TaskSpec>>({ constraints: { processors: [{ type: 'GPU', units: 1 }] } }),
  },
  { weight: 1, arbitrary: fc.constant<Partial<TaskSpec>>({ constraints: { memoryGb: 2 } }) },
  { weight: 1, arbitrary: fc.constant<Partial<TaskSpec>>({ computingNodes: 2 }) },
  { weight: 1, arbitrary: fc.constant<Partial<TaskSpec>>({ isDistributed: true }) },
  { weight: 1, arbitrary: fc.constant<Partial<TaskSpec>>({ isReplicated: true }) },
  { weight: 1, arbitrary: fc.constant<Partial<TaskSpec>>({ constraints: { nodes: ['n1', 'last'] } }) },
  { weight: 1, arbitrary: fc.constant<Partial<TaskSpec>>({ repeatable: false }) },
);

const leafTask: fc.Arbitrary<ProgramTask> = fc.record(
  { accesses, onFailure, more, returns: fc.constantFrom([6], [7], [8]), group: fc.nat(GROUPS - 1) },
  { requiredKeys: ['accesses', 'onFailure', 'more'] },
);
/** What a nested task does: its data are its own, and its failures are not ignored, since its parent may return it. */
const child: fc.Arbitrary<ProgramTask> = fc.record(
  { accesses, onFailure: fc.constantFrom<OnFailure>('RETRY', 'FAIL'), returns: fc.constantFrom([6], [7]) },
  { requiredKeys: ['accesses', 'onFailure'] },
);
const start: ProgramTask = { accesses: [0, 1, 2, 3, 4, 5].map((handle) => ({ handle, direction: 'OUT' as const })) };
const parentTask: fc.Arbitrary<ProgramTask> = fc.record(
  {
    accesses,
    onFailure,
    returns: fc.constantFrom([6], [7], [8]),
    group: fc.nat(GROUPS - 1),
    children: fc.array(child, { minLength: 1, maxLength: 4 }).map((children) => [start, ...children]),
  },
  { requiredKeys: ['accesses', 'onFailure', 'children'] },
);

const how = fc.oneof(
  { weight: 12, arbitrary: fc.constant('completed' as const) },
  { weight: 3, arbitrary: fc.constant('failed' as const) },
  { weight: 1, arbitrary: fc.constant('lost' as const) },
  { weight: 1, arbitrary: fc.constant('exception' as const) },
);
const rare = fc.constantFrom(
  'lose' as const,
  'lose' as const,
  'leave' as const,
  'abandon' as const,
  'late' as const,
  'lose-replica' as const,
);

export const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('submit' as const), task: leafTask }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('submit' as const), task: parentTask }) },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('finish' as const), pick, how, early: fc.boolean() }),
  },
  { weight: 16, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('suspend' as const, 'resume' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close-child' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('declare' as const), handle: fc.nat(HANDLES - 1), node: fc.nat(3) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      on: fc.constantFrom('data' as const, 'data' as const, 'tasks' as const, 'group' as const, 'scope' as const),
      pick,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('cancel' as const),
      what: fc.constantFrom('task' as const, 'task' as const, 'task' as const, 'group' as const, 'all' as const),
      pick,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('transfer' as const),
      pick,
      succeeds: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: rare, pick }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('join' as const), cpus: fc.integer({ min: 1, max: 3 }), gpus: fc.nat(1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('resize' as const),
      pick,
      by: fc.integer({ min: 1, max: 3 }),
      grow: fc.boolean(),
    }),
  },
);

export const options: fc.Arbitrary<CoreOptions> = fc.record({
  policy: fc.constantFrom('locality', 'locality', 'fifo', 'fifo-strict', 'lifo', 'load-balance', 'weighted'),
  historySize: fc.constantFrom(0, 3, 1000),
  lineageMaxTasks: fc.constantFrom(2, 1000),
  maxLosses: fc.constantFrom(2, 5),
});

export function play(world: ModelWorld, move: Move): void {
  const { root } = world;
  const alive = world.nodes.filter((node) => node.alive);
  const at = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];
  switch (move.do) {
    case 'submit':
      world.submit(root, move.task);
      break;
    case 'finish':
      world.finish(move.pick, move.how, move.early);
      break;
    case 'declare':
      world.declare(root, move.handle, move.node === 0 ? undefined : at(alive, move.node));
      break;
    case 'wait':
      if (move.on === 'data') world.wait(root, { on: 'data', handles: [(move.pick % 9) as Handle] });
      else if (move.on === 'group') world.wait(root, { on: 'group', group: (move.pick % GROUPS) as GroupId });
      else if (move.on === 'scope') world.wait(root, { on: 'scope' });
      else if (root.tasks.length > 0) world.wait(root, { on: 'tasks', seqs: [move.pick % root.tasks.length] });
      break;
    case 'cancel':
      if (move.what === 'all') world.cancel(root, { all: true });
      else if (move.what === 'group') world.cancel(root, { group: (move.pick % GROUPS) as GroupId });
      else if (root.tasks.length > 0) world.cancel(root, { task: move.pick % root.tasks.length });
      break;
    case 'transfer':
      world.transfer(move.pick, move.succeeds);
      break;
    case 'join':
      world.join(
        aNode(`n${world.nodes.length}`, move.cpus, {
          memoryGb: 4,
          processors: [
            { name: 'MainProcessor', type: 'CPU', units: move.cpus },
            { name: 'gpu', type: 'GPU', units: move.gpus },
          ],
        }),
      );
      break;
    case 'resize': {
      const node = at(alive, move.pick);
      if (node === undefined) break;
      world.step({
        type: move.grow ? 'resource-grown' : 'resource-shrink-requested',
        resource: node.id,
        by: aNode(node.description.name, move.by),
      });
      break;
    }
    case 'deliver': {
      const busy = alive.filter((node) => node.inbox.length > 0);
      const node = at(busy, move.pick);
      if (node !== undefined) world.deliver(node);
      break;
    }
    case 'lose':
    case 'leave': {
      const node = at(
        alive.filter((one) => !one.self),
        move.pick,
      );
      if (node === undefined) break;
      if (move.do === 'lose') world.lose(node);
      else world.step({ type: 'resource-leave-requested', resource: node.id });
      break;
    }
    case 'release':
      world.release(root, move.pick % 9);
      break;
    case 'suspend':
      world.suspend(move.pick);
      break;
    case 'resume':
      world.resume(move.pick);
      break;
    case 'abandon':
      world.abandon(move.pick);
      break;
    case 'late':
      world.lateMessage(move.pick);
      break;
    case 'close-child':
      world.closeChild(move.pick);
      break;
    case 'lose-replica':
      world.loseReplica(move.pick);
      break;
  }
}

export function aWorld(settings: CoreOptions): ModelWorld {
  const world = new ModelWorld(settings);
  world.join(aNode('self', 2, { memoryGb: 4 }));
  world.join(aNode('n1', 2, { memoryGb: 4 }));
  for (let group = 0; group < GROUPS; group++) {
    if (group === 2) world.openGroup(world.root, 2, 1);
    else world.openGroup(world.root, group);
  }
  world.submit(world.root, start);
  return world;
}
