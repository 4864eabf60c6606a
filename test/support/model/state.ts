import type { ResourceId, ScopeId, VersionId } from '../../../src/runtime/model/ids.ts';
import type { ResourceDescription } from '../../../src/runtime/model/resource.ts';
import type { SchedulerEffect } from '../../../src/runtime/scheduler/effects.ts';
import type { Content, ProgramTask } from './content.ts';

export type Effect<T extends SchedulerEffect['type']> = Extract<SchedulerEffect, { readonly type: T }>;
export type Launch = Effect<'launch'>;

export interface ModelScope {
  readonly id: ScopeId;
  readonly seed: number;
  readonly parent: Attempt | undefined;
  readonly tasks: ModelTask[];
  readonly declared: Map<number, Content>;
  closed: boolean;
  ended: boolean;
}

export interface ModelTask {
  readonly scope: ModelScope;
  readonly seq: number;
  readonly program: ProgramTask;
  readonly number: number;
  outcome: 'completed' | 'ignored' | 'failed' | 'cancelled' | undefined;
  settled: number;
}

export interface Attempt {
  readonly launch: Launch;
  readonly node: ModelNode;
  readonly task: ModelTask;
  state: 'waiting' | 'running' | 'suspended' | 'resuming' | 'over';
  /** Contents read at the start, by access. */
  inputs: Content[];
  child: ModelScope | undefined;
  drained: boolean;
}

export interface ModelNode {
  readonly id: ResourceId;
  readonly self: boolean;
  description: ResourceDescription;
  readonly store: Map<VersionId, Content>;
  /** CONCURRENT instances that attempts have open. */
  readonly open: Map<VersionId, { content: Content; users: number }>;
  readonly inbox: SchedulerEffect[];
  readonly attempts: Attempt[];
  alive: boolean;
}

export const aNode = (name: string, cpus: number, more: Partial<ResourceDescription> = {}): ResourceDescription => ({
  name,
  scheme: 'model',
  processors: [{ name: 'MainProcessor', type: 'CPU', units: cpus }],
  ...more,
});
