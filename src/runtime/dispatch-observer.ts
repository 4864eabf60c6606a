import type { InvocationId, ResourceId, ScopeId, TaskId, VersionId } from './model/ids.ts';
import type { InvocationOutcome } from './model/outcome.ts';

/** What may be watched from outside; called after the core has accepted the event. */
export interface DispatchObserver {
  submitted?(scope: ScopeId, tasks: number): void;
  launched?(invocation: InvocationId, task: TaskId, attempt: number, resource: ResourceId): void;
  started?(invocation: InvocationId): void;
  settled?(invocation: InvocationId, outcome: InvocationOutcome): void;
  output?(invocation: InvocationId, stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  resourceChanged?(resource: ResourceId, change: 'joined' | 'resized' | 'drained' | 'lost'): void;
  transferred?(version: VersionId, resource: ResourceId, bytes: number): void;
}
