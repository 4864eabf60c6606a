import type { CoreElement } from './model/core-element.ts';
import type { VersionId } from './model/ids.ts';
import type { TaskSpec } from './model/task.ts';
import type { ExecutionRequest, StoredValue } from './ports.ts';
import type { SchedulerEffect } from './scheduler/effects.ts';

export type LaunchEffect = Extract<SchedulerEffect, { type: 'launch' }>;

const NO_VALUES: readonly (StoredValue | undefined)[] = [];
const NO_DEVICES: readonly number[] = [];

/**
 * One attempt as it goes from the dispatcher to a node. It has room for what the local node adds for its executor, so
 * that nothing is copied on the way; all of them have one shape.
 */
export class Launch implements ExecutionRequest {
  readonly invocation;
  readonly task;
  readonly attempt;
  readonly core;
  readonly signature;
  readonly implementation;
  readonly booking;
  readonly args;
  readonly accesses;
  inputs: readonly VersionId[];
  readonly outputs;
  readonly preserveInputs;
  readonly timeOutMs;
  readonly key;
  readonly trace;
  readonly constraints;
  hostNames: readonly string[] | undefined;
  values = NO_VALUES;
  gpus = NO_DEVICES;
  fpgas = NO_DEVICES;
  workingDir = '';

  constructor(effect: LaunchEffect, spec: TaskSpec, element: CoreElement) {
    this.invocation = effect.invocation;
    this.task = effect.task;
    this.attempt = effect.attempt;
    this.core = spec.core;
    this.signature = element.signature;
    this.implementation = element.implementations[effect.implementation]!;
    this.booking = effect.booking;
    this.args = spec.args;
    this.accesses = spec.accesses;
    this.inputs = effect.inputs;
    this.outputs = effect.outputs;
    this.preserveInputs = effect.preserveInputs;
    this.timeOutMs = spec.timeOutMs;
    this.key = spec.key;
    this.trace = spec.trace;
    this.constraints = spec.constraints;
    this.hostNames = spec.hostNames;
  }
}
