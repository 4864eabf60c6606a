import type { GroupId, WaitId } from '../model/ids.ts';
import type { WaitTarget } from './events.ts';
import type { ScopeState } from './scope-state.ts';

/** A submitter that waits: ends once, with the effect `wait-done`. */
export interface Wait {
  readonly id: WaitId;
  readonly scope: ScopeState;
  readonly target: WaitTarget;
  /** What has not come yet: versions, tasks or members. Done at 0. */
  missing: number;
  readonly group?: GroupId;
}
