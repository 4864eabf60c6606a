import { z } from 'zod';
import { taxonomyNode } from './taxonomy.ts';

/**
 * `PUT /nodes/{cluster}/{node}` of the aggregator: a machine that no telemetry watches says what it has. It says so
 * again well within `leaseSeconds`, or it leaves the taxonomy.
 */
export const nodeAnnouncement = z.object({
  type: z.string().min(1).max(63).describe('The kind of orchestrator that deploys there.'),
  leaseSeconds: z.int().min(1).max(3600).default(60),
  node: taxonomyNode,
});
export type NodeAnnouncement = z.output<typeof nodeAnnouncement>;
