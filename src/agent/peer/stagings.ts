import { invalidFrame } from '../../contracts/agent-link/wire.ts';
import type { StageIn } from '../../contracts/gen/agent_pb.ts';
import { kindAt } from '../../offloader/grpc-agent/model-wire.ts';
import type { VersionId, WaitId } from '../../runtime/model/ids.ts';
import type { ObjectStore, Scope } from '../../runtime/ports.ts';
import type { CallReports } from './call-reports.ts';
import type { HeldVersion, PeerData } from './peer-data.ts';

export interface StagingsParts {
  readonly scope: Scope;
  readonly data: PeerData;
  readonly store: ObjectStore;
  readonly reports: CallReports;
}

/** Versions that the caller wants to be here, apart from any call. */
export class Stagings {
  readonly #parts: StagingsParts;
  readonly #waits = new Map<number, WaitId>();

  constructor(parts: StagingsParts) {
    this.#parts = parts;
  }

  has(version: number): boolean {
    return this.#waits.has(version);
  }

  start(stageIn: StageIn): void {
    const { scope, data, store, reports } = this.#parts;
    const { version } = stageIn;
    if (this.#waits.has(version)) return;
    const held = data.get(version) ?? this.#declare(stageIn);
    const wait = scope.wait({ on: 'data', handles: [held.handle] }, (result) => {
      this.#waits.delete(version);
      if (result.status === 'failed') {
        data.evict(version);
        reports.transferFailed(version, result.error.message);
        return;
      }
      held.reported = true;
      reports.replica(version, store.size(result.versions[0] as VersionId));
      scope.unpin(result.versions);
    });
    this.#waits.set(version, wait);
  }

  cancel(version: number): void {
    const wait = this.#waits.get(version);
    if (wait === undefined) return;
    this.#waits.delete(version);
    this.#parts.scope.abandon(wait);
  }

  clear(): void {
    for (const wait of this.#waits.values()) this.#parts.scope.abandon(wait);
    this.#waits.clear();
  }

  #declare({ version, kind, inline, provenance }: StageIn): HeldVersion {
    const { data } = this.#parts;
    if (inline !== undefined) return data.hold(version, data.declareInline(inline, version), 'value', false);
    if (provenance === undefined) throw invalidFrame('a stage-in without content');
    const handle = data.declareFrom(version, kindAt(kind), provenance);
    return data.hold(version, handle, kindAt(kind), false, provenance);
  }
}
