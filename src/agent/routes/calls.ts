/** Starting and ending applications, and stopping the agent: COMPSs's endpoints, in both dialects. */
import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import { BODIES } from '../../contracts/agent/bodies.ts';
import type { Parameter, StartApplication } from '../../contracts/agent/model.ts';
import { plainValue } from '../../contracts/agent/values.ts';
import { startedReply } from '../../contracts/agent/views.ts';
import { negotiate } from '../http/accept.ts';
import { dialectOf } from '../http/bodies.ts';
import type { AgentApp, RouteContext } from './context.ts';

const TAGS = ['calls'];

export function addCallRoutes(app: AgentApp, context: RouteContext): void {
  addStartRoute(app, context);
  addEndRoute(app, context);
  addStopRoute(app, context);
}

function addStartRoute(app: AgentApp, { backend, print, checkPath }: RouteContext): void {
  app.put(
    '/COMPSs/startApplication',
    {
      config: { role: 'run', xmlRoot: BODIES.startApplication.root },
      schema: {
        tags: TAGS,
        summary: 'Starts the asynchronous execution of a function',
        description:
          'Answers with the application id as plain text; with an object when a JSON request accepts application/json.',
        body: BODIES.startApplication.schema,
        response: { 200: startedReply },
      },
    },
    async (request, reply) => {
      const call = request.body;
      print(`Received REST call to run a ${call.language} method`);
      request.subject = `${call.className} ${call.methodName}`.trim();
      checkPaths(call, checkPath);
      const trace = request.headers['traceparent'];
      const appId = await backend.startApplication(call, typeof trace === 'string' ? { trace } : {});
      request.subject = `${appId} ${request.subject}`;
      const type = negotiate(request.headers.accept, ['text/plain', 'application/json'] as const) ?? 'text/plain';
      reply.type(type);
      // A COMPSs agent accepts JSON and takes the whole body as the id: to XML the answer is the bare number.
      const asObject = type === 'application/json' && dialectOf(request) === 'json';
      return reply.send((asObject ? JSON.stringify({ appId }) : appId) as never);
    },
  );
}

/** Files are named on this machine: only those inside the agent's directories. */
function checkPaths(call: StartApplication, checkPath: RouteContext['checkPath']): void {
  for (const parameter of call.parameters) {
    const path = pathOf(parameter);
    if (path !== undefined) checkPath(path, `parameters[${parameter.index}].value`);
  }
}

function pathOf(parameter: Parameter): string | undefined {
  if (parameter.type !== 'FILE_T' && parameter.type !== 'DIRECTORY_T') return undefined;
  const value = parameter.value === undefined ? undefined : plainValue(parameter.value);
  return typeof value === 'string' ? value : undefined;
}

function addEndRoute(app: AgentApp, { backend }: RouteContext): void {
  app.put(
    '/COMPSs/endApplication',
    {
      config: { role: 'run', xmlRoot: BODIES.endApplication.root },
      schema: {
        tags: TAGS,
        summary: 'An agent that was called tells how the call ended',
        body: BODIES.endApplication.schema,
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      const end = request.body;
      if (!(await backend.endApplication(end))) throw new RuntimeError('ERR_CALL_UNKNOWN', { jobId: end.jobId });
      return reply.send('');
    },
  );
}

/** Any body is ignored, as COMPSs does: in a scope of its own, so that others stay strict. */
function addStopRoute(app: AgentApp, { stop }: RouteContext): void {
  void app.register((scope, _options, registered) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => {
      payload.resume();
      done(null, undefined);
    });
    scope.delete(
      '/COMPSs',
      { config: { role: 'admin' }, schema: { tags: TAGS, summary: 'Stops the agent' } },
      async (_request, reply) => {
        await stop([]);
        return reply.send('');
      },
    );
    registered();
  });
}
