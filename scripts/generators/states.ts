import { TRANSITIONS } from '../../src/runtime/scheduler/transitions.ts';

/** docs/states/task.mmd: the life of a task, drawn from the table that checks it. */
export default function taskStates(): Map<string, string> {
  const moves = Object.entries(TRANSITIONS).flatMap(([from, targets]) => targets.map((to) => `  ${from} --> ${to}`));
  const ends = Object.entries(TRANSITIONS)
    .filter(([, targets]) => targets.length === 0)
    .map(([state]) => `  ${state} --> [*]`);
  return new Map([
    ['docs/states/task.mmd', ['stateDiagram-v2', '  [*] --> blocked', ...moves, ...ends, ''].join('\n')],
  ]);
}
