import type { Logger } from '../common/logger.ts';
import type { DispatchObserver } from './dispatch-observer.ts';
import type { InvocationTable } from './invocations.ts';
import type { InvocationId, ResourceId, ScopeId, VersionId } from './model/ids.ts';
import type { Clock, NodeWatcher, ScopeOwner } from './ports.ts';
import type { SchedulerCore } from './scheduler/core.ts';
import type { SchedulerEvent } from './scheduler/events.ts';

export interface NodeReportsParts {
  readonly core: Pick<SchedulerCore, 'spec'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: DispatchObserver;
  readonly invocations: InvocationTable;
  post(event: SchedulerEvent): void;
  owner(scope: ScopeId): ScopeOwner | undefined;
  replicaAdded(version: VersionId, resource: ResourceId, bytes: number): void;
  lost(resource: ResourceId, reason: string): void;
}

/** What nodes say becomes events, and goes on to those who watch and to the submitter of the task. */
export class NodeReports {
  readonly #parts: NodeReportsParts;

  constructor(parts: NodeReportsParts) {
    this.#parts = parts;
  }

  watcher(resource: ResourceId): NodeWatcher {
    const { clock, invocations, logger, observer, ...parts } = this.#parts;
    return {
      started: (invocation) => {
        invocations.started(invocation, clock.now());
        parts.post({ type: 'invocation-started', invocation });
        observer.started?.(invocation);
        this.tellOwner(invocation, (owner, seq) => owner.started?.(seq));
      },
      settled: (invocation, outcome) => {
        parts.post({ type: 'invocation-settled', invocation, outcome });
        observer.settled?.(invocation, outcome);
        invocations.settled(invocation);
      },
      suspended: (invocation) => {
        parts.post({ type: 'invocation-suspended', invocation });
        this.tellOwner(invocation, (owner, seq) => owner.suspended?.(seq));
      },
      resumeRequested: (invocation) => parts.post({ type: 'invocation-resume-requested', invocation }),
      resumed: (invocation) => {
        parts.post({ type: 'invocation-resumed', invocation });
        this.tellOwner(invocation, (owner, seq) => owner.resumed?.(seq));
      },
      replicaAdded: (version, bytes) => parts.replicaAdded(version, resource, bytes),
      replicaLost: (version) => parts.post({ type: 'replica-lost', version, resource }),
      transferFailed: (version, reason) => parts.post({ type: 'transfer-failed', version, to: resource, reason }),
      output: (invocation, stream, chunk) => {
        observer.output?.(invocation, stream, chunk);
        this.tellOwner(invocation, (owner, seq) => owner.output?.(seq, stream, chunk));
      },
      resized: (description) => logger.info({ node: description.name }, 'node reports another capacity'),
      lost: (reason) => parts.lost(resource, reason),
    };
  }

  /** What an attempt does, for the submitter of a task with `notify`: a peer link passes it on to its caller. */
  tellOwner(invocation: InvocationId, tell: (owner: ScopeOwner, seq: number) => void): void {
    const { core, invocations, owner: ownerOf } = this.#parts;
    const record = invocations.get(invocation);
    const owner = record === undefined ? undefined : ownerOf(record.scope);
    if (record === undefined || owner === undefined) return;
    const spec = core.spec(record.task);
    if (spec.notify === true) tell(owner, spec.seq);
  }
}
