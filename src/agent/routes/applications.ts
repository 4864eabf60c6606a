/** Applications after their start: list, status, result, events, cancellation, logs. */
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import {
  applicationBody,
  applicationList,
  applicationStatus,
  cancelledReply,
  resultBody,
} from '../../contracts/agent/views.ts';
import { applicationBodyOf, eventBodyOf } from '../application-body.ts';
import { type ApplicationView, hasEnded, type ResultValue } from '../backend.ts';
import { abortedWith } from '../http/aborted.ts';
import { openEventStream } from '../http/sse.ts';
import { rawBytes, resultEntries } from '../result-json.ts';
import { waitForEnd } from '../wait.ts';
import { type AgentApp, findApplication, type RouteContext } from './context.ts';

const TAGS = ['applications'];
const MAX_WAIT_MS = 300_000;

export const byId = z.object({ id: z.string() });
const number = z.coerce.number().int();
const wait = z.object({
  waitMs: number.min(0).max(MAX_WAIT_MS).default(0).describe('Wait so long for the end before answering'),
});

export function addApplicationRoutes(app: AgentApp, context: RouteContext): void {
  addViewRoutes(app, context);
  addResultRoute(app, context);
  addEventRoutes(app, context);
  addCancelRoute(app, context);
  addLogRoute(app, context);
}

function addViewRoutes(app: AgentApp, { backend }: RouteContext): void {
  app.get(
    '/COMPSs/applications',
    {
      config: { role: 'read' },
      schema: {
        tags: TAGS,
        summary: 'Applications, newest first',
        querystring: z.object({
          limit: number.min(1).max(1_000).default(100),
          before: z.string().optional().describe('Only those created before this one'),
          status: applicationStatus.optional(),
        }),
        response: { 200: applicationList },
      },
    },
    async (request) => {
      const { limit, before, status } = request.query;
      const start = before === undefined ? undefined : findApplication(backend, before).id;
      const page = {
        limit,
        ...(start === undefined ? {} : { before: start }),
        ...(status === undefined ? {} : { status }),
      };
      return { applications: backend.listApplications(page).map(applicationBodyOf) };
    },
  );

  app.get(
    '/COMPSs/applications/:id',
    {
      config: { role: 'read' },
      schema: {
        tags: TAGS,
        summary: 'One application',
        params: byId,
        querystring: wait,
        response: { 200: applicationBody },
      },
    },
    async (request, reply) => {
      const view = findApplication(backend, request.params.id);
      const { waitMs } = request.query;
      if (waitMs === 0) return applicationBodyOf(view);
      return applicationBodyOf((await waitForEnd(backend, view.id, waitMs, abortedWith(reply))) ?? view);
    },
  );
}

function addResultRoute(app: AgentApp, { backend }: RouteContext): void {
  app.get(
    '/COMPSs/applications/:id/result',
    {
      config: { role: 'read' },
      schema: {
        tags: TAGS,
        summary: 'What a completed application gave back',
        params: byId,
        querystring: wait.extend({
          format: z.enum(['json', 'raw']).default('json').describe('raw: the bytes of one buffer or typed array'),
          index: number.min(0).default(0).describe('Which result, for raw'),
        }),
        response: { 200: resultBody },
      },
    },
    async (request, reply) => {
      const { waitMs, format, index } = request.query;
      const found = findApplication(backend, request.params.id);
      const view = waitMs === 0 ? found : ((await waitForEnd(backend, found.id, waitMs, abortedWith(reply))) ?? found);
      requireCompleted(view);
      const values = await backend.result(view.id);
      if (format === 'json') return { appId: view.id, results: resultEntries(values) };
      return reply.type('application/octet-stream').send(rawResult(view, values, index) as never);
    },
  );
}

function requireCompleted({ id, status, error }: ApplicationView): void {
  if (status === 'completed') return;
  if (!hasEnded(status)) throw new RuntimeError('ERR_APPLICATION_RUNNING', { application: id, status });
  const reason = error === undefined ? '' : `${error.code}: ${error.message}`;
  throw new RuntimeError('ERR_APPLICATION_NOT_COMPLETED', { application: id, status, reason });
}

function rawResult({ id }: ApplicationView, values: readonly ResultValue[], index: number): Buffer {
  const bytes = rawBytes(values[index]?.value);
  if (bytes === undefined) throw new RuntimeError('ERR_RESULT_NOT_RAW', { application: id, index });
  return bytes;
}

function addEventRoutes(app: AgentApp, { backend }: RouteContext): void {
  const querystring = z.object({
    after: number.min(0).optional().describe('Events after this one; Last-Event-ID wins'),
  });

  app.get(
    '/COMPSs/applications/:id/events',
    {
      config: { role: 'read' },
      schema: {
        tags: TAGS,
        summary: 'Server-sent events of one application, from its start or after Last-Event-ID, to its end',
        params: byId,
        querystring,
      },
    },
    async (request, reply) => {
      const { id } = findApplication(backend, request.params.id);
      const last = Number(request.headers['last-event-id']);
      const after = Number.isSafeInteger(last) && last > 0 ? last : (request.query.after ?? 0);
      let stop = (): void => undefined;
      const sink = openEventStream(reply, () => stop());
      let over = false;
      stop = backend.subscribe(id, after, (events) => {
        for (const event of events) {
          sink.send(String(event.seq), event.type, eventBodyOf(event));
          over ||= event.type === 'status' && hasEnded(event.view.status);
        }
        if (over) sink.end();
      });
      // Nothing comes any more when the end was before what the reader has seen.
      const view = backend.application(id);
      if (!over && (view === undefined || hasEnded(view.status))) sink.end();
      if (reply.raw.destroyed) stop();
    },
  );

  app.get(
    '/COMPSs/events',
    {
      config: { role: 'read' },
      schema: { tags: TAGS, summary: 'Server-sent events of all applications, from now on' },
    },
    async (_request, reply) => {
      let stop = (): void => undefined;
      const sink = openEventStream(reply, () => stop());
      stop = backend.subscribe('all', 0, (events) => {
        for (const event of events) sink.send(undefined, event.type, eventBodyOf(event));
      });
      if (reply.raw.destroyed) stop();
    },
  );
}

function addCancelRoute(app: AgentApp, { backend }: RouteContext): void {
  app.put(
    '/COMPSs/applications/:id/cancel',
    {
      config: { role: 'run' },
      schema: {
        tags: TAGS,
        summary: 'Cancels an application; false when it has ended already',
        params: byId,
        response: { 200: cancelledReply },
      },
    },
    async (request) => {
      const { id } = findApplication(backend, request.params.id);
      request.subject = id;
      return { appId: id, cancelled: backend.cancelApplication(id, 'cancelled by a request') };
    },
  );
}

function addLogRoute(app: AgentApp, { backend, logger }: RouteContext): void {
  app.get(
    '/COMPSs/applications/:id/logs',
    {
      config: { role: 'read' },
      schema: {
        tags: TAGS,
        summary: 'What the main function, or one task, has written',
        params: byId,
        querystring: z.object({
          stream: z.enum(['stdout', 'stderr']).default('stdout'),
          task: z.string().optional().describe('t42; the main function when absent'),
          attempt: number.min(1).optional().describe('The last one when absent'),
          offset: number.min(0).default(0).describe('Bytes to skip'),
          follow: z.enum(['true', 'false']).default('false').describe('Go on until the end'),
        }),
      },
    },
    async (request, reply) => {
      const id = findApplication(backend, request.params.id).id;
      const { stream, task, attempt, offset, follow } = request.query;
      const chunks = backend.log(id, {
        stream,
        offset,
        follow: follow === 'true',
        signal: abortedWith(reply),
        ...(task === undefined ? {} : { task }),
        ...(attempt === undefined ? {} : { attempt }),
      });
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
      // A follower learns at once that it is connected, even when nothing has been written yet.
      reply.raw.flushHeaders();
      await pipeline(chunks, reply.raw).catch((error: unknown) => {
        if (!reply.raw.destroyed) reply.raw.destroy();
        logger.debug({ application: id, error: String(error) }, 'a reader of logs has gone');
      });
    },
  );
}
