import { z } from 'zod';
import { uuid } from '../../contracts/icos/go-json.ts';
import { jobBody } from '../../contracts/icos/job.ts';
import { storyLine } from '../../contracts/icos/story.ts';
import type { ServiceApp } from '../service/app.ts';
import type { Peer } from '../service/peer.ts';
import { callFor, given, passOn } from './relay.ts';

const JOBS = '/api/v3/job';
const BEHIND = '/jobmanager/jobs';
const tags = ['jobs'];
const params = z.object({ jobId: uuid });

/** An addition: the original's shell sees deployments alone, and cannot tell why one of their parts is not there. */
export function serveJobs(app: ServiceApp, jobManager: Peer): void {
  const querystring = z.object({
    limit: z.string().max(10).optional(),
    cursor: z.string().max(200).optional(),
    state: z.string().max(2).optional(),
    orchestrator: z.string().max(63).optional(),
  });
  app.get(
    JOBS,
    { config: { access: 'deployments:read' }, schema: { tags, querystring, response: { 200: z.array(jobBody) } } },
    async (request, reply) => {
      const call = callFor(request, { method: 'GET', path: BEHIND, query: given(request.query) });
      const answer = await jobManager.call(call);
      if (answer.link !== undefined) void reply.header('link', answer.link.replace(BEHIND, JOBS));
      return passOn(reply, answer);
    },
  );
  app.get(
    `${JOBS}/:jobId`,
    { config: { access: 'deployments:read' }, schema: { tags, params, response: { 200: jobBody } } },
    async (request, reply) => {
      const path = `${BEHIND}/${request.params.jobId}`;
      return passOn(reply, await jobManager.call(callFor(request, { method: 'GET', path })));
    },
  );
  app.get(
    `${JOBS}/:jobId/story`,
    { config: { access: 'deployments:read' }, schema: { tags, params, response: { 200: z.array(storyLine) } } },
    async (request, reply) => {
      const path = `${BEHIND}/${request.params.jobId}/story`;
      return passOn(reply, await jobManager.call(callFor(request, { method: 'GET', path })));
    },
  );
}
