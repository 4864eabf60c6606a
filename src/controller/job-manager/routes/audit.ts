import { z } from 'zod';
import type { ServiceApp } from '../../service/app.ts';
import type { Database } from '../../store/database.ts';
import { pageOf } from '../page.ts';
import { linkTo, pageQuery, pageRequestOf } from './parameters.ts';

const entry = z.object({
  at: z.string(),
  service: z.string(),
  subject: z.string(),
  username: z.string(),
  action: z.string(),
  target: z.string(),
  status: z.int(),
  requestId: z.string(),
});

/** Oldest first. For administrators: it tells of everybody. */
export function serveAudit(app: ServiceApp, { query }: Database): void {
  const querystring = z.object({
    ...pageQuery,
    subject: z.string().max(253).optional().describe('Only what this one did.'),
    since: z.iso.datetime({ offset: true }).optional(),
  });
  app.get(
    '/jobmanager/audit',
    {
      config: { access: 'audit:read' },
      schema: { tags: ['operation'], querystring, response: { 200: z.array(entry) } },
    },
    async (request, reply) => {
      const { subject, since } = request.query;
      const { limit, after } = pageRequestOf(request.query);
      let wanted = query
        .selectFrom('audit')
        .selectAll()
        .orderBy('at')
        .orderBy('id')
        .limit(limit + 1);
      if (subject !== undefined) wanted = wanted.where('subject', '=', subject);
      if (since !== undefined) wanted = wanted.where('at', '>=', Date.parse(since));
      if (after !== undefined) {
        const { createdAt, id } = after;
        wanted = wanted.where((where) =>
          where.or([where('at', '>', createdAt), where.and([where('at', '=', createdAt), where('id', '>', id)])]),
        );
      }
      const rows = (await wanted.execute()).map((row) => ({ ...row, createdAt: Number(row.at) }));
      const { items, next } = pageOf(rows, limit);
      if (next !== undefined) void reply.header('link', linkTo(request.url, next));
      return items.map(({ id: _id, createdAt, request_id: requestId, ...told }) => ({
        ...told,
        at: new Date(createdAt).toISOString(),
        requestId,
      }));
    },
  );
}
