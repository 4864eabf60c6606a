import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import { loginBody } from '../../contracts/icos/shell.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import type { ServiceApp } from '../service/app.ts';

const USER = '/api/v3/user';
const tags = ['users'];

/** Credentials belong into a body. The original's query is taken for its own client; neither is ever logged. */
export function serveUsers(app: ServiceApp, authenticator: Authenticator): void {
  const login = async (credentials: z.output<typeof loginBody>, reply: FastifyReply): Promise<void> => {
    const token = await authenticator.login(credentials.username, credentials.password);
    void reply.header('cache-control', 'no-store').type('application/json; charset=utf-8');
    await reply.serializer(JSON.stringify).send(token);
  };
  const response = { 200: z.string().describe('The refresh token, to be sent as `api_key`.') };
  app.get(
    `${USER}/login`,
    { config: { access: 'public', audit: true }, schema: { tags, querystring: loginBody, response } },
    async (request, reply) => {
      await login(request.query, reply);
      return reply;
    },
  );
  app.post(
    `${USER}/login`,
    { config: { access: 'public', audit: true }, schema: { tags, body: loginBody, response } },
    async (request, reply) => {
      await login(request.body, reply);
      return reply;
    },
  );
  app.get(
    `${USER}/logout`,
    { config: { access: 'public', audit: true }, schema: { tags, response: { 200: z.null() } } },
    async (request, reply) => {
      await authenticator.logout(refreshTokenOf(request));
      return reply.status(200).send(null);
    },
  );
}

function refreshTokenOf(request: FastifyRequest): string {
  const given = request.headers['api_key'];
  if (typeof given !== 'string' || given === '') {
    throw new RuntimeError('ERR_REQUEST_INVALID', {
      field: 'api_key',
      reason: 'the header with the refresh token is missing',
    });
  }
  return given.replace(/^"(.*)"$/, '$1');
}
