import { generationOf, indexOf } from '../model/ids.ts';
import type { CoreState } from './state.ts';

/** `t42`; with the generation once the row has been used before. Says the same when the task is long forgotten. */
export function taskName(id: number): string {
  const generation = generationOf(id);
  return generation === 0 ? `t${indexOf(id) + 1}` : `t${indexOf(id) + 1}.${generation}`;
}

/** `d3v2`. */
export function versionName(state: CoreState, row: number): string {
  const { versions, data } = state.registry;
  return `d${data.number[versions.datum[row]!]}v${versions.number[row]}`;
}
