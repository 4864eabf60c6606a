import { TRANSITIONS } from '../../src/controller/job-manager/transitions.ts';
import type { GeneratedFiles } from '../generate.ts';

/** The life of a job, drawn from the table that the job manager checks its moves against. */
export default function jobStates(): GeneratedFiles {
  const moves = Object.entries(TRANSITIONS).flatMap(([from, targets]) =>
    targets.map((to) => `  ${nodeOf(from)} --> ${nodeOf(to)}`),
  );
  const states = Object.keys(TRANSITIONS).map((phase) => `  state "${phase.replace('-', ', ')}" as ${nodeOf(phase)}`);
  const lines = ['stateDiagram-v2', ...states, `  [*] --> ${nodeOf('create-created')}`, ...moves];
  return new Map([['docs/states/job.mmd', `${lines.join('\n')}\n`]]);
}

/** Hyphens are operators in this notation. */
const nodeOf = (phase: string): string => phase.replaceAll('-', '_');
