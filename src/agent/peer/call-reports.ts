import { create } from '@bufbuild/protobuf';
import { SECTION, type SectionField } from '../../contracts/agent-link/frame.ts';
import { OutputSchema, ReplicasSchema, TransfersFailedSchema } from '../../contracts/gen/agent_pb.ts';
import { IdsSection, type OutSection, type ReliableChannel } from '../../offloader/grpc-agent/reliable-channel.ts';
import type { Call } from './call.ts';
import { type Finished, type SettledContext, SettledSection } from './settled-section.ts';

/** Standard output that waits for a slow caller; beyond it chunks are dropped (they are in this agent's own job files). */
const MAX_OUTPUT_BYTES = 4 * 2 ** 20;

/** What the caller is told, in sections of its channel. */
export class CallReports {
  readonly #channel: ReliableChannel;
  readonly #context: SettledContext;
  #outputBytes = 0;
  #started: Call[] = [];

  constructor(channel: ReliableChannel, context: SettledContext) {
    this.#channel = channel;
    this.#context = context;
  }

  /** Worth telling only when the end does not go out in the same turn. */
  started(call: Call): void {
    call.started = true;
    this.#started.push(call);
    if (this.#started.length > 1) return;
    this.#push({
      write: (frame) => {
        const running = this.#started.filter((one) => !one.ended).map((one) => one.invocation);
        this.#started = [];
        if (running.length > 0) frame.ids(SECTION.started, running);
        return true;
      },
    });
  }

  suspended(call: Call): void {
    this.#id(SECTION.suspended, call.invocation);
  }

  resumed(call: Call): void {
    this.#id(SECTION.resumed, call.invocation);
  }

  output({ invocation }: Call, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    if (this.#outputBytes + chunk.length > MAX_OUTPUT_BYTES) return;
    this.#outputBytes += chunk.length;
    const message = create(OutputSchema, { invocation, stderr: stream === 'stderr', chunk });
    this.#push({
      write: (frame) => {
        this.#outputBytes -= chunk.length;
        frame.message(SECTION.output, OutputSchema, message);
        return true;
      },
    });
  }

  replica(version: number, bytes: number): void {
    const message = create(ReplicasSchema, { versions: [version], bytes: [bytes] });
    this.#push({
      write: (frame) => {
        frame.message(SECTION.replicas, ReplicasSchema, message);
        return true;
      },
    });
  }

  replicaLost(version: number): void {
    this.#id(SECTION.replicasLost, version);
  }

  transferFailed(version: number, reason: string): void {
    const message = create(TransfersFailedSchema, { versions: [version], reasons: [reason] });
    this.#push({
      write: (frame) => {
        frame.message(SECTION.transfersFailed, TransfersFailedSchema, message);
        return true;
      },
    });
  }

  /** Once for each call; what comes later about it is nothing. */
  finished(call: Call, finished: Omit<Finished, 'invocation'>): void {
    if (call.ended) return;
    call.ended = true;
    const { tail } = this.#channel;
    const section = tail instanceof SettledSection ? tail : this.#push(new SettledSection(this.#context));
    section.add({ invocation: call.invocation, ...finished });
  }

  #id(field: SectionField, id: number): void {
    const { tail } = this.#channel;
    const section = tail instanceof IdsSection && tail.field === field ? tail : this.#push(new IdsSection(field));
    section.add(id);
  }

  #push<S extends OutSection>(section: S): S {
    this.#channel.push(section);
    return section;
  }
}
