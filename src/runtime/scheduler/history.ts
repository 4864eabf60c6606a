import { NONE } from '../model/ids.ts';
import type { CoreState } from './state.ts';
import { IN_HISTORY, LINEAGE, RECOMPUTES } from './task-rows.ts';
import { isTerminal } from './transitions.ts';

/** Arguments above this size are not kept for people. */
const KEPT_ARGS = 1024;

/** A task has settled: it stays for `story` and `graph` until so many others have. */
export function remember(state: CoreState, task: number): void {
  const { tasks, history } = state;
  dropLargeArgs(state, task);
  if (history.length === 0) {
    forgetIfDone(state, task);
    return;
  }
  if (state.historyCount === history.length) {
    const oldest = history[state.historyStart]!;
    state.historyStart = (state.historyStart + 1) % history.length;
    state.historyCount -= 1;
    tasks.flags[oldest]! &= ~IN_HISTORY;
    forgetIfDone(state, oldest);
  }
  history[(state.historyStart + state.historyCount) % history.length] = task;
  state.historyCount += 1;
  tasks.flags[task]! |= IN_HISTORY;
}

function dropLargeArgs(state: CoreState, task: number): void {
  const { tasks } = state;
  const spec = tasks.spec[task]!;
  if (tasks.records[task] !== 0 || spec.args === undefined || spec.args.byteLength <= KEPT_ARGS) return;
  const { args, ...rest } = spec;
  tasks.spec[task] = rest;
}

/** The row goes when nobody needs it: not for people, not for lineage, and no version leads to it. */
export function forgetIfDone(state: CoreState, task: number): void {
  const { tasks, registry } = state;
  // It may have gone already, by another of the ways that lead here.
  if (!tasks.isUsed(task) || (tasks.flags[task]! & (IN_HISTORY | LINEAGE)) !== 0) return;
  if (tasks.records[task] !== 0 || tasks.missing[task] !== 0) return;
  if (!isTerminal(tasks.status[task]!)) return;
  const scope = tasks.scope[task]!;
  if ((tasks.flags[task]! & RECOMPUTES) === 0) scope.tasks.set(tasks.seq[task]!, NONE);
  const size = tasks.inputs[task]! + tasks.outputs[task]!;
  const offset = tasks.segment[task]!;
  for (let cell = offset; cell < offset + size; cell++) {
    const version = tasks.segments.cells[cell]!;
    if (version !== NONE) registry.unmention(version);
  }
  state.stories.release(tasks.story[task]!);
  state.failures.delete(task);
  state.recomputes.delete(task);
  tasks.remove(task);
}
