import type { StoryEntry } from './core.ts';
import type { CoreState } from './state.ts';
import { BLOCKED, illegalMove, isLegal, READY, type StatusCode, statusName } from './transitions.ts';

/** The only way a task changes its status. Throws ERR_INVALID_TRANSITION with the story on a bug of ours. */
export function move(state: CoreState, task: number, to: StatusCode): void {
  const { tasks } = state;
  const from = tasks.status[task]!;
  if (!isLegal(from, to)) {
    throw illegalMove(state.taskName(task), from, to, JSON.stringify(state.stories[task] ?? []));
  }
  tasks.status[task] = to;
  state.byStatus[from]! -= 1;
  state.byStatus[to]! += 1;
  const waited = from === BLOCKED || from === READY;
  const waits = to === BLOCKED || to === READY;
  if (waited !== waits) {
    const core = tasks.core[task]!;
    state.pendingByCore[core] = (state.pendingByCore[core] ?? 0) + (waits ? 1 : -1);
  }
  tell(state, task, from, to);
}

/** A task that has just been submitted. */
export function begin(state: CoreState, task: number): void {
  const core = state.tasks.core[task]!;
  state.byStatus[BLOCKED]! += 1;
  state.pendingByCore[core] = (state.pendingByCore[core] ?? 0) + 1;
  if (state.historySize > 0) state.stories[task] = [];
}

function tell(state: CoreState, task: number, from: StatusCode, to: StatusCode): void {
  const story = state.stories[task];
  if (story === undefined) return;
  const invocation = state.tasks.invocation[task]!;
  const resource = invocation < 0 ? undefined : state.resourceRows[state.invocations.resource[invocation]!]?.id;
  story.push({
    at: state.now,
    from: statusName(from),
    to: statusName(to),
    cause: state.cause,
    ...(resource === undefined ? {} : { resource }),
  } satisfies StoryEntry);
}
