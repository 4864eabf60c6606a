import type { ErrorInfo } from '../../common/errors.ts';
import type { VersionId } from '../../runtime/model/ids.ts';
import type { TaskOutcome } from '../../runtime/model/outcome.ts';
import { INLINE_BYTES, type Scope } from '../../runtime/ports.ts';
import type { Call, CallOutput, Calls } from './call.ts';
import type { CallReports } from './call-reports.ts';
import type { HeldVersion, PeerData, PeerStores } from './peer-data.ts';
import type { FinishedOutput } from './settled-section.ts';
import type { Stagings } from './stagings.ts';

export interface CallOutcomesParts {
  readonly scope: Scope;
  readonly data: PeerData;
  readonly calls: Calls;
  readonly stores: PeerStores;
  readonly stagings: Stagings;
  readonly reports: CallReports;
}

const NO_OUTPUTS: readonly FinishedOutput[] = [];
/** Ends of a task that are this agent's failure and not the code's: the caller runs it elsewhere. */
const LOSSES = new Set(['ERR_TASK_LOST', 'ERR_DATA_LOST', 'ERR_SHUTTING_DOWN', 'ERR_TRANSFER_FAILED']);

/** A call depends on no other: when it cannot run because of something before it, that is an input that cannot be had. */
const isLoss = (call: Call, { code }: ErrorInfo): boolean =>
  LOSSES.has(code) || (code === 'ERR_PREDECESSOR_FAILED' && !call.started);

/** The ends of calls: binds what they wrote to the caller's names and answers. */
export class CallOutcomes {
  readonly #parts: CallOutcomesParts;

  constructor(parts: CallOutcomesParts) {
    this.#parts = parts;
  }

  settled(call: Call, outcome: TaskOutcome, outputs: readonly VersionId[]): void {
    if (outcome.status === 'completed') this.#collect(call, outcome, outputs);
    else this.#unsuccessful(call, outcome);
  }

  /** An input is not here any more: nothing was submitted. */
  refused(call: Call): void {
    const { data, reports } = this.#parts;
    for (const handle of call.passing) data.letGo(handle);
    for (const output of call.outputs) if (!output.shared) data.letGo(output.handle);
    reports.finished(call, { status: 'lost', outputs: NO_OUTPUTS, reason: 'an input is not at this node any more' });
  }

  /** Outputs that the task left on another node of this agent come here first. */
  #collect(call: Call, outcome: TaskOutcome & { status: 'completed' }, outputs: readonly VersionId[]): void {
    const { stores, scope, calls } = this.#parts;
    if (outputs.length !== call.outputs.length) {
      this.#unsuccessful(call, { status: 'failed', error: outputsDiffer(outputs.length, call.outputs.length) });
    } else if (outputs.every((version) => stores.store.has(version))) {
      this.#completed(call, outcome, outputs);
    } else {
      const handles = call.outputs.map((output) => output.handle);
      scope.wait({ on: 'data', handles }, (result) => {
        if (result.status === 'failed') this.#unsuccessful(call, { status: 'failed', error: result.error });
        else {
          if (calls.submitted(call.seq) === call) this.#completed(call, outcome, result.versions);
          scope.unpin(result.versions);
        }
      });
    }
  }

  #completed(call: Call, outcome: TaskOutcome & { status: 'completed' }, versions: readonly VersionId[]): void {
    const outputs = versions.map((local, index) => this.#bind(call.outputs[index] as CallOutput, local));
    const { exception, ranMs } = outcome;
    this.#close(call);
    this.#parts.reports.finished(call, {
      status: exception === undefined ? 'completed' : 'exception',
      outputs: outputs.length === 0 ? NO_OUTPUTS : outputs,
      ...(exception === undefined ? {} : { error: exception }),
      ...(ranMs === undefined ? {} : { ranMs }),
    });
  }

  #bind(output: CallOutput, local: VersionId): FinishedOutput {
    const { data, stores } = this.#parts;
    const bytes = stores.store.size(local);
    if (output.kind === 'value' && bytes <= INLINE_BYTES && !output.shared)
      return { local, bytes, inline: output.handle };
    stores.mover.alias(data.key(output.version), local);
    if (data.get(output.version) === undefined) data.hold(output.version, output.handle, output.kind, true);
    return { local, bytes };
  }

  #unsuccessful(call: Call, outcome: Exclude<TaskOutcome, { status: 'completed' }>): void {
    const { calls, data, reports } = this.#parts;
    if (calls.submitted(call.seq) !== call) return;
    for (const output of call.outputs) if (!output.shared) data.letGo(output.handle);
    const lost = outcome.status === 'failed' && isLoss(call, outcome.error) ? outcome.error.message : undefined;
    if (lost !== undefined && !call.started) this.#reportFailedInputs(call, lost);
    this.#close(call);
    if (outcome.status === 'cancelled') {
      reports.finished(call, { status: call.recalled ? 'recalled' : 'cancelled', outputs: NO_OUTPUTS });
    } else if (lost !== undefined) {
      reports.finished(call, { status: 'lost', outputs: NO_OUTPUTS, reason: lost });
    } else {
      reports.finished(call, { status: 'failed', outputs: NO_OUTPUTS, error: outcome.error });
    }
  }

  /** Before the end of the call: the caller is to know that it was for want of them, and whom not to believe. */
  #reportFailedInputs(call: Call, reason: string): void {
    const { data, stores, reports } = this.#parts;
    for (const held of call.unreported) {
      if (held.reported || data.get(held.version) !== held) continue;
      const local = stores.mover.resolve(data.key(held.version));
      if (local === undefined || !stores.store.has(local)) reports.transferFailed(held.version, reason);
    }
  }

  /** What the call borrowed goes back; inputs that came with it are reported or forgotten. */
  #close(call: Call): void {
    this.#parts.calls.remove(call);
    for (const handle of call.passing) this.#parts.data.letGo(handle);
    for (const held of call.unreported) this.#reportInput(held);
  }

  #reportInput(held: HeldVersion): void {
    const { data, stores, stagings, calls, reports } = this.#parts;
    if (held.reported || data.get(held.version) !== held || stagings.has(held.version)) return;
    const local = stores.mover.resolve(data.key(held.version));
    if (local !== undefined && stores.store.has(local)) {
      held.reported = true;
      reports.replica(held.version, stores.store.size(local));
    } else if (!calls.awaits(held)) {
      data.evict(held.version);
      reports.replicaLost(held.version);
    }
  }
}

const outputsDiffer = (found: number, expected: number): ErrorInfo => ({
  code: 'ERR_INTERNAL',
  message: `The task has ${found} outputs where ${expected} were asked for`,
});
