import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Handle, ResourceId } from '../../src/runtime/model/ids.ts';
import type { InvocationOutcome } from '../../src/runtime/model/outcome.ts';
import { aResource, aTask, SCOPE, SchedulerCase, type TaskBuilder } from '../support/scheduler-case.ts';

const runs = Number(process.env['MK_PROPERTY_RUNS'] ?? 200);

/** One step of a history; numbers pick among what is alive. */
type Move =
  | {
      readonly do: 'submit';
      readonly reads: readonly number[];
      readonly writes: readonly number[];
      readonly onFailure: number;
    }
  | { readonly do: 'settle'; readonly pick: number; readonly how: 'completed' | 'failed' | 'lost' | 'recalled' }
  | { readonly do: 'suspend' | 'resume' | 'cancel' | 'lose' | 'leave' | 'release'; readonly pick: number }
  | { readonly do: 'join'; readonly cpus: number };

const handle = fc.nat(5);
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      reads: fc.uniqueArray(handle, { maxLength: 2 }),
      writes: fc.uniqueArray(handle, { maxLength: 2 }),
      onFailure: fc.nat(3),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      pick: fc.nat(20),
      how: fc.constantFrom(
        'completed' as const,
        'completed' as const,
        'completed' as const,
        'failed' as const,
        'lost' as const,
        'recalled' as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'suspend' as const,
        'resume' as const,
        'cancel' as const,
        'lose' as const,
        'leave' as const,
        'release' as const,
      ),
      pick: fc.nat(20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const), cpus: fc.nat(3) }) },
);

const ON_FAILURE = ['RETRY', 'FAIL', 'IGNORE', 'CANCEL_SUCCESSORS'] as const;

/** Plays moves against a core as nodes would; the case checks the invariants after every step. */
class Player {
  readonly case = new SchedulerCase({ maxLosses: 3 });
  readonly #nodes: ResourceId[] = [];
  #submitted = 0;

  constructor() {
    this.#nodes.push(this.case.join(aResource('n0', 2)));
  }

  play(one: Move): void {
    const c = this.case;
    switch (one.do) {
      case 'submit':
        this.#submitted += 1;
        c.submit(this.#task(one.reads, one.writes).with({ onFailure: ON_FAILURE[one.onFailure] ?? 'RETRY' }));
        break;
      case 'settle':
        this.#settle(one.pick, one.how);
        break;
      case 'join':
        this.#nodes.push(c.join(aResource(`n${this.#nodes.length}`, one.cpus)));
        break;
      case 'lose':
      case 'leave':
        this.#go(one.pick, one.do);
        break;
      case 'release':
        c.step({ type: 'handle-released', scope: SCOPE, handle: (one.pick % 6) as Handle });
        break;
      case 'cancel':
        if (this.#submitted > 0)
          c.step({
            type: 'cancel-requested',
            scope: SCOPE,
            target: { task: one.pick % this.#submitted },
            reason: 'test',
          });
        break;
      default:
        this.#park(one.pick, one.do);
    }
    this.#answerTransfers();
  }

  #task(reads: readonly number[], writes: readonly number[]): TaskBuilder {
    const task = aTask();
    for (const one of reads)
      if (writes.includes(one)) task.updating(one);
      else task.reading(one);
    for (const one of writes) if (!reads.includes(one)) task.writing(one);
    return task;
  }

  #settle(pick: number, status: InvocationOutcome['status']): void {
    const { running } = this.case;
    const launch = running[pick % Math.max(1, running.length)];
    if (launch === undefined) return;
    this.case.settle(
      launch,
      status === 'failed'
        ? { status, error: { code: 'ERR_TASK_FAILED', message: 'no' } }
        : ({ status, reason: 'gone' } as never),
    );
  }

  #go(pick: number, how: 'lose' | 'leave'): void {
    if (this.#nodes.length <= 1) return;
    const at = 1 + (pick % (this.#nodes.length - 1));
    const resource = this.#nodes[at] as ResourceId;
    if (how === 'leave') {
      this.case.step({ type: 'resource-leave-requested', resource });
      return;
    }
    this.#nodes.splice(at, 1);
    this.case.step({ type: 'resource-lost', resource, reason: 'killed' });
    this.case.forgetRunning(resource);
  }

  #park(pick: number, how: 'suspend' | 'resume'): void {
    const { running } = this.case;
    const launch = running[pick % Math.max(1, running.length)];
    if (launch === undefined) return;
    this.case.step({
      type: how === 'suspend' ? 'invocation-suspended' : 'invocation-resume-requested',
      invocation: launch.invocation,
    });
  }

  #answered = 0;
  #answerTransfers(): void {
    for (; this.#answered < this.case.effects.length; this.#answered++) {
      const effect = this.case.effects[this.#answered];
      if (effect?.type === 'transfer')
        this.case.step({ type: 'replica-added', version: effect.version, resource: effect.to, bytes: 8 });
    }
  }

  end(): void {
    const { case: c } = this;
    c.join(aResource('last', 4));
    for (let [launch] = c.running; launch !== undefined; [launch] = c.running) {
      c.settle(launch);
      this.#answerTransfers();
    }
    expect(c.close()).toEqual({ liveTasks: 0, liveVersions: 0 });
    const settled = Object.keys(c.outcomes()).length;
    expect(settled).toBe(this.#submitted);
  }
}

describe('any history', () => {
  it('keeps the invariants, settles every task once and leaves nothing', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const player = new Player();
        for (const one of moves) player.play(one);
        player.end();
      }),
      { numRuns: runs },
    );
  });

  it('gives the same effects again', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        const [one, two] = [new Player(), new Player()];
        for (const next of moves) {
          one.play(next);
          two.play(next);
        }
        expect(two.case.effects).toEqual(one.case.effects);
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
  });
});
