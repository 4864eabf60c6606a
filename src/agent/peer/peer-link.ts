import { type ReceivedSection, readIds, SECTION } from '../../contracts/agent-link/frame.ts';
import { LaunchReader } from '../../contracts/agent-link/launch-batch.ts';
import { readMessage } from '../../contracts/agent-link/wire.ts';
import { CancelsSchema, type Hello, StageInsSchema } from '../../contracts/gen/agent_pb.ts';
import { ReliableChannel } from '../../offloader/grpc-agent/reliable-channel.ts';
import type { TaskId, VersionId } from '../../runtime/model/ids.ts';
import type { TaskOutcome } from '../../runtime/model/outcome.ts';
import type { Scope, ScopeOwner } from '../../runtime/ports.ts';
import { Calls } from './call.ts';
import { CallIntake } from './call-intake.ts';
import { CallOutcomes } from './call-outcomes.ts';
import { CallReports } from './call-reports.ts';
import { PeerData, type PeerStores } from './peer-data.ts';
import { Stagings } from './stagings.ts';

/** The agent below the peer service: its runtime, as far as callers may use it. */
export interface PeerRuntime extends PeerStores {
  openScope(owner: ScopeOwner): Scope;
}

/** One caller's tasks and data on this agent. Lives from hello to the end of the link, over any number of streams. */
export class PeerLink implements ScopeOwner {
  readonly name: string;
  readonly hello: Hello;
  readonly channel: ReliableChannel;
  readonly #scope: Scope;
  readonly #data: PeerData;
  readonly #calls = new Calls();
  readonly #reports: CallReports;
  readonly #stagings: Stagings;
  readonly #intake: CallIntake;
  readonly #outcomes: CallOutcomes;
  #dropped = false;

  constructor(hello: Hello, runtime: PeerRuntime) {
    this.hello = hello;
    this.name = `peer ${hello.name}`;
    this.channel = new ReliableChannel((section) => this.#take(section));
    const scope = runtime.openScope(this);
    const data = new PeerData(scope, runtime, hello.incarnation);
    const { store } = runtime;
    const reports = new CallReports(this.channel, { store, letGo: (handle) => data.letGo(handle) });
    const stagings = new Stagings({ scope, data, store, reports });
    const calls = this.#calls;
    this.#scope = scope;
    this.#data = data;
    this.#reports = reports;
    this.#stagings = stagings;
    this.#outcomes = new CallOutcomes({ scope, data, calls, stores: runtime, stagings, reports });
    this.#intake = new CallIntake({ scope, data, calls, refused: (call) => this.#outcomes.refused(call) });
  }

  /** Launches that have not been answered, and versions held for the caller. */
  get load(): { readonly calls: number; readonly versions: number } {
    return { calls: this.#calls.size, versions: this.#data.size };
  }

  /** Cancels what runs and drops the data. */
  drop(reason: string): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.channel.close();
    this.#stagings.clear();
    this.#calls.clear();
    this.#data.clear();
    this.#scope.close(reason);
  }

  // ------------------------------------------------------------------------------------------ from the caller

  #take({ field, body }: ReceivedSection): void {
    switch (field) {
      case SECTION.launches:
        this.#intake.launches(new LaunchReader(body));
        break;
      case SECTION.elements:
        this.#intake.elements(body);
        break;
      case SECTION.cancels:
        this.#cancels(body);
        break;
      case SECTION.recalls:
        each(body, (invocation) => this.#recall(invocation));
        break;
      case SECTION.evictions:
        each(body, (version) => this.#data.evict(version));
        break;
      case SECTION.stageIns:
        for (const stageIn of readMessage(StageInsSchema, body).stageIns) this.#stagings.start(stageIn);
        break;
      case SECTION.cancelStageIns:
        each(body, (version) => this.#stagings.cancel(version));
        break;
      default: // Of a later version of the protocol.
    }
  }

  #cancels(body: Uint8Array): void {
    const { invocations, reasons } = readMessage(CancelsSchema, body);
    for (const [index, invocation] of invocations.entries()) {
      const call = this.#calls.launched(invocation);
      if (call !== undefined) this.#scope.cancel({ task: call.seq }, reasons[index] ?? '');
    }
  }

  #recall(invocation: number): void {
    const call = this.#calls.launched(invocation);
    if (call === undefined || this.#scope.recall === undefined) return;
    call.recalled = true;
    this.#scope.recall(call.seq);
  }

  // ------------------------------------------------------------------------------------------ from the runtime

  started(seq: number): void {
    const call = this.#calls.submitted(seq);
    if (call !== undefined) this.#reports.started(call);
  }

  suspended(seq: number): void {
    const call = this.#calls.submitted(seq);
    if (call !== undefined) this.#reports.suspended(call);
  }

  resumed(seq: number): void {
    const call = this.#calls.submitted(seq);
    if (call !== undefined) this.#reports.resumed(call);
  }

  output(seq: number, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const call = this.#calls.submitted(seq);
    if (call !== undefined) this.#reports.output(call, stream, chunk);
  }

  settled(seq: number, _task: TaskId, outcome: TaskOutcome, outputs: readonly VersionId[]): void {
    const call = this.#calls.submitted(seq);
    if (call !== undefined) this.#outcomes.settled(call, outcome, outputs);
  }

  /** The caller learns what matters of it from the outcome. */
  notice(): void {}

  ended(): void {}
}

function each(body: Uint8Array, take: (id: number) => void): void {
  const ids = readIds(body);
  for (let index = 0; index < ids.length; index++) take(ids.at(index));
}
