import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { it1MatchAnswer, matchAnswer } from '../../contracts/icos/matchmaker.ts';
import { identityOf } from '../service/access.ts';
import type { ServiceApp } from '../service/app.ts';
import { it1MatchAnswerOf, matchAnswerOf } from './match-answer.ts';
import { matchBody, readMatchBody } from './match-body.ts';
import { type PlacementDefaults, placementRequestOf } from './placement-request.ts';
import type { Placer } from './placer.ts';

const tags = ['placement'];
/** What the released matchmaker says, spelling included: clients compare it. */
const WELCOME = 'Wellcome to MATCK MAKING API DEV';

const querystring = z.object({
  policy: z.enum(['best-fit', 'first-fit']).optional(),
  arrangement: z.enum(['spread', 'pack', 'free']).optional(),
  explain: z.coerce
    .number()
    .int()
    .min(0)
    .max(100_000)
    .default(100)
    .describe('Rejected nodes to name at most, each with its reasons; all are counted.'),
});

export function serveMatchmaking(app: ServiceApp, placer: Placer, defaults: PlacementDefaults): void {
  app.get(
    '/',
    { config: { access: 'public' }, schema: { tags: ['operation'], response: { 200: z.string() } } },
    async (_request, reply) => reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(WELCOME),
  );
  app.post(
    '/matchmake',
    {
      config: { access: 'placement:ask' },
      schema: {
        tags,
        consumes: ['application/x-yaml', 'application/json'],
        querystring,
        body: matchBody,
        response: { 200: z.union([matchAnswer, it1MatchAnswer]) },
      },
    },
    async (request) => {
      const question = readMatchBody(request.body);
      const { policy, arrangement, explain } = request.query;
      const asked = placementRequestOf(question.application, defaults, question.avoid);
      const wanted = {
        ...asked,
        ...(policy === undefined ? {} : { policy }),
        ...(arrangement === undefined ? {} : { arrangement }),
      };
      const placements = await placer.place(wanted, tokenOf(request));
      const answer = question.application.form === 'kubernetes' ? it1MatchAnswerOf : matchAnswerOf;
      return answer(question, placements, explain);
    },
  );
}

const tokenOf = (request: FastifyRequest): string | undefined => identityOf(request).accessToken;
