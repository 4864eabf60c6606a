import { type PeerEndpoint, startPeerEndpoint } from '../../src/agent/peer/endpoint.ts';
import type { PeerService } from '../../src/agent/peer/peer-service.ts';
import { silentLogger } from '../../src/common/logger.ts';
import { GrpcAgentAdaptor } from '../../src/offloader/grpc-agent/adaptor.ts';
import { type Heartbeats, startHeartbeats } from '../../src/offloader/grpc-agent/heartbeats.ts';
import type { LinkTiming } from '../../src/offloader/grpc-agent/link-client.ts';
import type { LinkSecurity } from '../../src/offloader/grpc-agent/security.ts';
import { signTicket } from '../../src/runtime/data/ticket.ts';
import type { Access, Direction } from '../../src/runtime/model/access.ts';
import type { CoreId, Handle, InvocationId, TaskId, VersionId } from '../../src/runtime/model/ids.ts';
import type { InvocationOutcome } from '../../src/runtime/model/outcome.ts';
import type { LaunchRequest, NodeHandle, NodeWatcher } from '../../src/runtime/ports.ts';
import { type Behaviour, MinimalRuntime } from './minimal-runtime.ts';

/** A callee: the endpoint of an agent over the minimal runtime. */
export class Callee implements AsyncDisposable {
  readonly runtime: MinimalRuntime;
  readonly #endpoint: PeerEndpoint;

  private constructor(runtime: MinimalRuntime, endpoint: PeerEndpoint) {
    this.runtime = runtime;
    this.#endpoint = endpoint;
  }

  static async start(behaviour: Behaviour, security: LinkSecurity = {}): Promise<Callee> {
    const runtime = new MinimalRuntime('callee', behaviour);
    const endpoint = await startPeerEndpoint({
      runtime,
      describe: runtime.describe,
      logger: silentLogger,
      host: '127.0.0.1',
      port: 0,
      security,
      graceMs: 1500,
    });
    return new Callee(runtime, endpoint);
  }

  get port(): number {
    return this.#endpoint.port;
  }

  get service(): PeerService {
    return this.#endpoint.service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endpoint[Symbol.asyncDispose]();
    await this.runtime[Symbol.asyncDispose]();
  }
}

export interface Told {
  readonly outcomes: Map<InvocationId, InvocationOutcome[]>;
  readonly replicas: Map<VersionId, number>;
  lost: string | undefined;
}

/** A caller: its store, its heartbeats, and all that its node was told. */
export class Caller implements AsyncDisposable {
  readonly runtime = new MinimalRuntime('caller', () => 'hang');
  readonly told: Told = { outcomes: new Map(), replicas: new Map(), lost: undefined };
  readonly heartbeats: Heartbeats;
  node!: NodeHandle;
  #waiting: (() => void)[] = [];

  private constructor(heartbeats: Heartbeats) {
    this.heartbeats = heartbeats;
  }

  static async connect(
    port: number,
    timing: Partial<LinkTiming> = {},
    security: LinkSecurity = {},
    prepare: (heartbeats: Heartbeats) => void = () => undefined,
  ): Promise<Caller> {
    const caller = new Caller(await startHeartbeats({ host: '127.0.0.1', port: 0, incarnation: 'caller' }));
    prepare(caller.heartbeats);
    const adaptor = new GrpcAgentAdaptor({
      heartbeats: caller.heartbeats,
      logger: silentLogger,
      security,
      timing,
      sign: (key, issuer, reader, keys) => signTicket(key, { issuer, reader, keys, expiry: Date.now() + 60_000 }),
    });
    const spec = adaptor.parseSpec('callee', { Host: '127.0.0.1', Port: String(port) });
    const description = { name: 'callee', scheme: 'grpc-agent', processors: [] };
    const context = { ...caller.runtime, mover: caller.runtime.mover, sources: () => [] };
    try {
      const signal = AbortSignal.timeout(10_000);
      caller.node = await adaptor.connect(spec, description, context, caller.#watcher(), signal);
    } catch (error) {
      await caller.#closeRest();
      throw error;
    }
    return caller;
  }

  #watcher(): NodeWatcher {
    const { told } = this;
    const changed = (): void => {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resume of waiting) resume();
    };
    return {
      started: () => undefined,
      settled: (invocation, outcome) => {
        told.outcomes.set(invocation, [...(told.outcomes.get(invocation) ?? []), outcome]);
        changed();
      },
      suspended: () => undefined,
      resumeRequested: () => undefined,
      resumed: () => undefined,
      replicaAdded: (version, bytes) => void told.replicas.set(version, bytes),
      replicaLost: () => undefined,
      transferFailed: () => undefined,
      output: () => undefined,
      resized: () => undefined,
      lost: (reason) => {
        told.lost = reason;
        changed();
      },
    };
  }

  /** Waits for the next things it is told until the condition holds. */
  async until(condition: (told: Told) => boolean): Promise<void> {
    while (!condition(this.told)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #closeRest(): Promise<void> {
    await this.heartbeats[Symbol.asyncDispose]();
    await this.runtime[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
    await this.#closeRest();
  }
}

const IMPLEMENTATIONS = new Map<string, LaunchRequest['implementation']>();

function implementationOf(method: string): LaunchRequest['implementation'] {
  const known = IMPLEMENTATIONS.get(method);
  if (known !== undefined) return known;
  const made: LaunchRequest['implementation'] = { language: 'JS', module: 'm.ts', method };
  IMPLEMENTATIONS.set(method, made);
  return made;
}

export interface LaunchShape {
  readonly args?: Uint8Array;
  readonly reads?: readonly number[];
  readonly updates?: readonly number[];
  readonly outputs?: readonly number[];
  readonly preserveInputs?: boolean;
}

/** A launch as a dispatcher makes it: accesses are `reads` (IN), then `updates` (INOUT); outputs theirs, then returns. */
export function aLaunch(invocation: number, method: string, shape: LaunchShape = {}): LaunchRequest {
  const { reads = [], updates = [], outputs = [], preserveInputs = true, args } = shape;
  const access = (direction: Direction, index: number): Access => ({
    handle: index as Handle,
    direction,
    kind: 'value',
  });
  return {
    invocation: invocation as InvocationId,
    task: invocation as TaskId,
    attempt: 1,
    core: 0 as CoreId,
    signature: `m.ts#${method}`,
    implementation: implementationOf(method),
    booking: { cpus: 1, gpus: 0, fpgas: 0, memoryGb: 0 },
    accesses: [...reads.map((_, index) => access('IN', index)), ...updates.map((_, index) => access('INOUT', index))],
    inputs: [...reads, ...updates] as VersionId[],
    outputs: outputs as readonly VersionId[],
    preserveInputs,
    ...(args === undefined ? {} : { args }),
  };
}
