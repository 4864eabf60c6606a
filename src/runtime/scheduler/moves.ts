import { NONE } from '../model/ids.ts';
import type { StoryEntry } from './core.ts';
import { taskName } from './names.ts';
import type { CoreState } from './state.ts';
import { packMove } from './story.ts';
import { BLOCKED, illegalMove, isLegal, READY, type StatusCode } from './transitions.ts';

/** A new task: blocked until its inputs are looked at. */
export function begin(state: CoreState, task: number): void {
  state.counts[BLOCKED]! += 1;
  state.elements[state.tasks.core[task]!]!.pending += 1;
}

/** The one way a status changes: checks the table, counts, writes the story. */
export function move(state: CoreState, task: number, to: StatusCode): void {
  const { tasks, counts } = state;
  const from = tasks.status[task]!;
  if (!isLegal(from, to)) throw illegalMove(taskName(tasks.idOf(task)), from, to, printedStory(state, task));
  tasks.status[task] = to;
  counts[from]! -= 1;
  counts[to]! += 1;
  if (from <= READY !== to <= READY) {
    state.elements[tasks.core[task]!]!.pending += to <= READY ? 1 : -1;
  }
  const attempt = tasks.invocation[task]!;
  const resource = attempt === NONE ? NONE : state.invocations.resource[attempt]!;
  tasks.story[task] = state.stories.add(tasks.story[task]!, state.at, packMove(from, to, state.cause), resource);
}

export function storyOf(state: CoreState, task: number): StoryEntry[] {
  return state.stories.read(state.tasks.story[task]!, (row) => state.resources[row]!.id);
}

function printedStory(state: CoreState, task: number): string {
  return storyOf(state, task)
    .map((entry) => `${entry.from} to ${entry.to} (${entry.cause})`)
    .join(', ');
}
