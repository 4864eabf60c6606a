import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aWorld, move, options, play } from '../support/model/moves.ts';

/**
 * The same histories each time, unless a bigger budget is asked for: then new ones, for at most three minutes.
 * `MK_PROPERTY_SEED=seed` and `MK_PROPERTY_PATH=path` of a failure run it again.
 */
const budget = process.env['MK_PROPERTY_RUNS'];
const seed = process.env['MK_PROPERTY_SEED'] ?? (budget === undefined ? '20260707' : undefined);
const path = process.env['MK_PROPERTY_PATH'];
const runs = Number(budget ?? 100);
const LIMIT_MS = 180_000;
const settings = seed === undefined ? {} : { seed: Number(seed) };
const again = path === undefined ? {} : { path };

describe('any history with faults', () => {
  it('keeps the invariants, shows every task what it has to read, settles all and leaves nothing anywhere', {
    timeout: 1.2 * LIMIT_MS,
  }, () => {
    fc.assert(
      fc.property(options, fc.array(move, { maxLength: 80, size: 'max' }), (core, moves) => {
        const world = aWorld(core);
        for (const one of moves) play(world, one);
        expect(world.end()).toEqual([]);
      }),
      { ...settings, ...again, interruptAfterTimeLimit: LIMIT_MS, numRuns: runs },
    );
  });

  it('has the same effects again', () => {
    fc.assert(
      fc.property(options, fc.array(move, { maxLength: 60, size: 'max' }), (core, moves) => {
        const [one, two] = [aWorld(core), aWorld(core)];
        for (const next of moves) {
          play(one, next);
          play(two, next);
        }
        expect(two.effects).toEqual(one.effects);
      }),
      { ...settings, interruptAfterTimeLimit: LIMIT_MS / 6, numRuns: Math.ceil(runs / 5) },
    );
  });
});
