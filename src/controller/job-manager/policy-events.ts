import type { ApplicationEvent } from '../../contracts/icos/policy-manager.ts';
import type { JobGroup } from './job-group.ts';
import type { OutboxCall } from './outbox.ts';

export type PolicyEvent = ApplicationEvent['event'];

export const POLICY_MANAGER = 'policy-manager';
const PATH = '/registry/api/v1/icos/app';
/** Where the policy manager reports violations to. */
export const INCOMPLIANCE_PATH = '/jobmanager/policies/incompliance';

/** What the policy manager is told about a deployment, in the form that it accepts. */
export const policyCalls = (group: JobGroup, events: readonly PolicyEvent[]): readonly OutboxCall[] =>
  events.map((event) => ({ peer: POLICY_MANAGER, method: 'POST', path: PATH, body: bodyOf(group, event) }));

function bodyOf(group: JobGroup, event: PolicyEvent): ApplicationEvent {
  const common = { app_instance: group.id, service: 'job-manager' } as const;
  if (event !== 'created') return { event, ...common };
  return {
    event,
    ...common,
    app_descriptor: group.descriptor,
    callback: {
      type: 'icos-service',
      uri: INCOMPLIANCE_PATH,
      http_method: 'POST',
      include_access_token: true,
      extra_params: {},
    },
  };
}
