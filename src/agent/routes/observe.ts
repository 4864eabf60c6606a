/** Seeing what an application does: graph, timeline, why a task waits and what happened to it; data of the agent. */
import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import type { ApplicationId } from '../../contracts/agent/model.ts';
import { dataBody, explanationBody, explanationList, graphBody, storyBody } from '../../contracts/agent/views.ts';
import type { AgentBackend, TaskExplanation } from '../backend.ts';
import { graphToDot } from '../export/graph-dot.ts';
import { graphToSvg } from '../export/graph-svg.ts';
import { timelineToTrace } from '../export/timeline.ts';
import { negotiate } from '../http/accept.ts';
import { byId } from './applications.ts';
import { type AgentApp, findApplication, type RouteContext } from './context.ts';

const TAGS = ['observe'];
const MAX_EXPLAINED = 20;
const taskPath = z.object({ id: z.string(), task: z.string().describe('t42') });

export function addObserveRoutes(app: AgentApp, context: RouteContext): void {
  addGraphRoute(app, context);
  addTimelineRoute(app, context);
  addTaskRoutes(app, context);
  addDataRoute(app, context);
}

const GRAPH_TYPES = { json: 'application/json', dot: 'text/vnd.graphviz', svg: 'image/svg+xml' } as const;
type GraphFormat = keyof typeof GRAPH_TYPES;

function graphFormat(asked: GraphFormat | undefined, accept: string | undefined): GraphFormat {
  if (asked !== undefined) return asked;
  const available = Object.values(GRAPH_TYPES);
  const type = negotiate(accept, available);
  if (type === undefined) throw new RuntimeError('ERR_NOT_ACCEPTABLE', { accept, available: available.join(', ') });
  return type === 'image/svg+xml' ? 'svg' : type === 'text/vnd.graphviz' ? 'dot' : 'json';
}

function addGraphRoute(app: AgentApp, { backend }: RouteContext): void {
  app.get(
    '/COMPSs/applications/:id/graph',
    {
      config: { role: 'read' },
      schema: {
        tags: TAGS,
        summary: 'The task graph: JSON, DOT or SVG, by format or Accept',
        params: byId,
        querystring: z.object({ format: z.enum(['json', 'dot', 'svg']).optional() }),
        response: { 200: graphBody },
      },
    },
    async (request, reply) => {
      const { id } = findApplication(backend, request.params.id);
      const format = graphFormat(request.query.format, request.headers.accept);
      const graph = backend.graph(id);
      const write = { json: JSON.stringify, dot: graphToDot, svg: graphToSvg }[format];
      return reply.type(GRAPH_TYPES[format]).send(write(graph) as never);
    },
  );
}

function addTimelineRoute(app: AgentApp, { backend, now }: RouteContext): void {
  app.get(
    '/COMPSs/applications/:id/timeline',
    {
      config: { role: 'read' },
      schema: { tags: TAGS, summary: 'Attempts and transfers in the Chrome trace format', params: byId },
    },
    async (request, reply) => {
      const { id } = findApplication(backend, request.params.id);
      const trace = timelineToTrace(backend.timeline(id), now());
      return reply.type('application/json').send(JSON.stringify(trace));
    },
  );
}

function addTaskRoutes(app: AgentApp, { backend }: RouteContext): void {
  app.get(
    '/COMPSs/applications/:id/explain',
    {
      config: { role: 'read' },
      schema: {
        tags: TAGS,
        summary: `Why its tasks wait: the first ${MAX_EXPLAINED}`,
        params: byId,
        response: { 200: explanationList },
      },
    },
    async (request) => explainWaiting(backend, findApplication(backend, request.params.id).id),
  );

  app.get(
    '/COMPSs/applications/:id/tasks/:task/explain',
    {
      config: { role: 'read' },
      schema: {
        tags: TAGS,
        summary: 'Why a task waits, and for what',
        params: taskPath,
        response: { 200: explanationBody },
      },
    },
    async (request) => {
      const { id } = findApplication(backend, request.params.id);
      return explanationOf(backend.explain(id, request.params.task));
    },
  );

  app.get(
    '/COMPSs/applications/:id/tasks/:task/story',
    {
      config: { role: 'read' },
      schema: { tags: TAGS, summary: 'What happened to a task', params: taskPath, response: { 200: storyBody } },
    },
    async (request) => {
      const { id } = findApplication(backend, request.params.id);
      const { task, signature, entries } = backend.story(id, request.params.task);
      return { task, signature, entries: [...entries] };
    },
  );
}

function explainWaiting(backend: AgentBackend, id: ApplicationId): z.infer<typeof explanationList> {
  const waiting = backend.graph(id).tasks.filter(({ status }) => status === 'ready' || status === 'blocked');
  // Ready ones first: what they lack is what the blocked ones wait for.
  waiting.sort((a, b) => Number(a.status === 'blocked') - Number(b.status === 'blocked'));
  const tasks = waiting.slice(0, MAX_EXPLAINED).map((task) => explanationOf(backend.explain(id, task.id)));
  return { tasks, waiting: waiting.length };
}

const explanationOf = (explanation: TaskExplanation): z.infer<typeof explanationBody> => ({
  ...explanation,
  waitsFor: [...explanation.waitsFor],
  resources: [...explanation.resources],
});

function addDataRoute(app: AgentApp, { backend }: RouteContext): void {
  app.get(
    '/COMPSs/data',
    {
      config: { role: 'read' },
      schema: {
        tags: TAGS,
        summary: 'What the agent holds, biggest first, and what it moved',
        querystring: z.object({ limit: z.coerce.number().int().min(0).max(10_000).default(100) }),
        response: { 200: dataBody },
      },
    },
    async (request) => {
      const report = backend.data(request.query.limit);
      const versions = report.versions.map((version) => ({ ...version, holders: [...version.holders] }));
      return { ...report, versions };
    },
  );
}
