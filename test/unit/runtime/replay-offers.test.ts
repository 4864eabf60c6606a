import { describe, expect, it } from 'vitest';
import type { Handle, ScopeId } from '../../../src/runtime/model/ids.ts';
import { aResource, aTask, SCOPE, SchedulerCase } from '../../support/scheduler-case.ts';

const NESTED = 1 as ScopeId;
const NOTHING_LEFT = { liveTasks: 0, liveVersions: 0 };
const ARGS = new Uint8Array([1, 2, 3]);

/** A parent that runs, with a scope of its own that it submits to. */
function caseWithParent(options = {}): SchedulerCase {
  const c = new SchedulerCase(options);
  c.join(aResource('self', 4));
  c.submit(aTask().with({ key: 'app/main' }));
  return c;
}

function openNested(c: SchedulerCase): void {
  const parent = c.running[0]!.invocation;
  c.step({ type: 'scope-opened', scope: NESTED, name: 'nested', parent, key: 'app/main' });
}

const child = (args: Uint8Array) => aTask().writing(0).with({ scope: NESTED, seq: 0, args });

/** What the core tells of the child when it runs for the first time. */
function firstLife(): { readonly seq: number; readonly digest: number; readonly key: string } {
  const c = caseWithParent({ reportCompleted: true });
  openNested(c);
  c.submit(child(ARGS));
  const effects = c.settle(c.running[1]);
  const told = effects.find((effect) => effect.type === 'task-completed')!;
  expect(told.outputs).toHaveLength(1);
  c.close();
  return told;
}

function offer(c: SchedulerCase, told: { readonly seq: number; readonly digest: number; readonly key: string }): void {
  const handle = 90 as Handle;
  const holders = [c.core.resources()[0]!.id];
  c.step({ type: 'datum-declared', scope: SCOPE, handle, kind: 'value', bytes: 8, holders });
  const entries = [{ seq: told.seq, digest: told.digest, outputs: [handle] }];
  c.step({ type: 'replay-offered', scope: SCOPE, key: told.key, entries });
}

describe('completed tasks of an earlier life', () => {
  it('are not run again: what they wrote stands for their outputs', () => {
    const told = firstLife();
    const c = caseWithParent();
    offer(c, told);
    openNested(c);
    c.submit(child(ARGS));
    expect(c.running).toHaveLength(1);
    expect(c.outcomes()).toMatchObject({ 0: 'completed' });
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('are run when their arguments are others, and the parent is told', () => {
    const told = firstLife();
    const c = caseWithParent();
    offer(c, told);
    openNested(c);
    c.submit(child(new Uint8Array([9])));
    expect(c.running).toHaveLength(2);
    const notice = c.effects.find((effect) => effect.type === 'notice');
    expect(notice?.error.code).toBe('ERR_REPLAY_DIVERGED');
    expect(c.close()).toEqual(NOTHING_LEFT);
  });

  it('go with the scope that offers them when nobody takes them', () => {
    const c = caseWithParent();
    offer(c, firstLife());
    expect(c.core.stats().liveVersions).toBe(1);
    expect(c.close()).toEqual(NOTHING_LEFT);
  });
});
