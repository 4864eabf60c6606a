import { hasContent, isFailed, isWritten, need, setFailure } from '../data/registry.ts';
import { addReader, waitFor } from '../graph/accesses.ts';
import type { Failure } from '../graph/failure.ts';
import { LOST, WRITTEN } from '../graph/version-rows.ts';
import { NONE } from '../model/ids.ts';
import { begin } from './moves.ts';
import type { CoreState, LineageRecord } from './state.ts';
import { RECOMPUTES } from './task-rows.ts';
import { versionChanged } from './waits.ts';

/** Remembers how the outputs of a completed task come about, as long as their rows are remembered. */
export function remember(state: CoreState, task: number): void {
  const { tasks, versions } = state;
  const spec = tasks.spec[task]!;
  const outputs = tasks.outputs[task]!;
  if (outputs === 0 || spec.repeatable === false || (tasks.flags[task]! & RECOMPUTES) !== 0) return;
  const inputRows = Array.from({ length: tasks.inputs[task]! }, (_, position) => tasks.input(task, position));
  const outputRows = Array.from({ length: outputs }, (_, position) => tasks.output(task, position));
  const record: LineageRecord = {
    task: state.taskId(task),
    spec,
    inputs: inputRows,
    outputs: outputRows,
    live: outputs,
    again: false,
  };
  for (const input of inputRows) if (input !== NONE) versions.lineage[input]! += 1;
  for (const output of outputRows) state.lineage.set(output, record);
}

/** A version that somebody needs has no content left: the task that wrote it runs again, and so on upwards. */
export function recompute(state: CoreState, version: number): void {
  const { versions } = state;
  if (!isWritten(state, version) || hasContent(state, version)) return;
  const record = state.lineage.get(version);
  versions.flags[version]! |= LOST;
  if (record === undefined) {
    loseForGood(state, version);
    return;
  }
  if (record.again) return;
  record.again = true;
  state.counts.recomputed += 1;
  submitAgain(state, record);
}

function submitAgain(state: CoreState, record: LineageRecord): void {
  const { tasks, versions } = state;
  const task = tasks.add(record.spec, state.recomputing, record.inputs.length, record.outputs.length);
  tasks.flags[task]! |= RECOMPUTES;
  state.recomputing.live += 1;
  state.recomputes.set(task, record.task);
  begin(state, task);
  record.outputs.forEach((output, position) => {
    tasks.setOutput(task, position, output);
    versions.mentions[output]! += 1;
    versions.producer[output] = task;
    if (!hasContent(state, output)) versions.flags[output]! &= ~(WRITTEN | LOST);
  });
  for (const [position, input] of record.inputs.entries()) if (input !== NONE) readAgain(state, task, position, input);
  if (tasks.missing[task] === 0) state.rules.makeReady(task);
}

function readAgain(state: CoreState, task: number, position: number, input: number): void {
  addReader(state, task, position, input);
  if (!isWritten(state, input) || hasContent(state, input)) return;
  waitFor(state, task, input);
  recompute(state, input);
}

function loseForGood(state: CoreState, version: number): void {
  const message = `Version ${state.versionName(version)} was lost with the node that held it, and the task that wrote it cannot be repeated`;
  const failure: Failure = { status: 'failed', error: { code: 'ERR_DATA_LOST', message }, expected: false };
  // A transfer or the waiting below may look at it while it is being told.
  need(state, version);
  if (!isFailed(state, version)) setFailure(state, version, failure);
  state.rules.failReaders(version, failure);
  versionChanged(state, version);
  state.versions.needs[version]! -= 1;
}
