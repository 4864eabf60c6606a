/** What follows the end of an application: the line that scripts wait for, the orchestrator's call, the stop action. */
import type { Logger } from '../common/logger.ts';
import { jsonEndApplication } from '../contracts/agent/json-write.ts';
import type { EndApplication, StartApplication } from '../contracts/agent/model.ts';
import { writeEndApplication } from '../contracts/agent/xml-write.ts';
import {
  type AgentBackend,
  type ApplicationStatus,
  type ApplicationView,
  hasEnded,
  type ResultValue,
} from './backend.ts';
import type { Outbox } from './outbox.ts';

export interface EndingsOptions {
  readonly backend: AgentBackend;
  readonly outbox: Outbox;
  readonly logger: Logger;
  readonly print: (line: string) => void;
  readonly stop: (forwardTo: readonly string[]) => Promise<void>;
}

/** Follows every application to its end. Returns the way to stop following. */
export function followEndings(options: EndingsOptions): () => void {
  const { backend, logger } = options;
  return backend.subscribe('all', 0, (events) => {
    for (const event of events) {
      if (event.type !== 'status' || !hasEnded(event.view.status)) continue;
      handleEnd(event.view, options).catch((error: unknown) => {
        logger.error({ application: event.view.id, err: error }, 'the end of an application was not handled');
      });
    }
  });
}

async function handleEnd(view: ApplicationView, options: EndingsOptions): Promise<void> {
  const request = options.backend.request(view.id);
  options.print(endLine(view));
  if (request?.orchestrator !== undefined) await notify(view, request, options);
  if (request?.action?.name === 'stop') await options.stop(request.action.forwardTo);
}

const WORDS: Readonly<Record<ApplicationStatus, string>> = {
  accepted: 'accepted',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
  lost: 'failed',
  cancelled: 'cancelled',
};

/** Milliseconds from acceptance to the end. */
const endLine = ({ status, createdAt, endedAt }: ApplicationView): string =>
  `Job ${WORDS[status]} after ${Math.round((endedAt ?? createdAt) - createdAt)}`;

async function notify(
  view: ApplicationView,
  request: StartApplication,
  { backend, outbox }: EndingsOptions,
): Promise<void> {
  const results = view.status === 'completed' ? await backend.result(view.id) : [];
  const end: EndApplication = {
    jobId: view.id,
    endStatus: view.status === 'completed' ? 'OK' : 'EXECUTION_FAILED',
    profile: {
      taskSubmitted: Math.round(view.createdAt),
      executionStart: Math.round(view.startedAt ?? view.createdAt),
      executionEnd: Math.round(view.endedAt ?? view.createdAt),
      taskEnd: Math.round(view.endedAt ?? view.createdAt),
    },
    results: locationsOf(request, results),
  };
  const url = callbackUrl(request);
  if (request.task === undefined) {
    outbox.post({ id: view.id, url, body: writeEndApplication(end) });
    return;
  }
  const body = JSON.stringify(jsonEndApplication(taskEnd(view, end, backend)));
  outbox.post({ id: view.id, url, body, format: 'json' }, () => backend.release(view.id));
}

/** With what another agent of our kind understands beyond COMPSs's dialect. */
function taskEnd(view: ApplicationView, end: EndApplication, backend: AgentBackend): EndApplication {
  const { exception, ...more } = backend.taskEnd(view.id) ?? {};
  const error = exception ?? view.error;
  return {
    ...end,
    ...more,
    ...(exception === undefined ? {} : { endStatus: 'EXCEPTION' }),
    ...(error === undefined ? {} : { error }),
    ...(view.status === 'cancelled' ? { cancelled: true } : {}),
  };
}

/** COMPSs's order: parameters, target, results. What has no location has an empty entry. */
function locationsOf(request: StartApplication, results: readonly ResultValue[]): readonly (readonly string[])[] {
  const written = results.filter((result) => result.from !== 'return');
  const places = request.parameters.map(({ index }) => written.find((result) => result.index === index));
  const returned = results.filter((result) => result.from === 'return');
  const target = request.target === undefined ? [] : [undefined];
  return [...places, ...target, ...returned].map(
    (result) => result?.locations ?? (result?.path === undefined ? [] : [result.path]),
  );
}

/** `http://host:port/` and `COMPSs/endApplication/`, with or without the slash between them. */
function callbackUrl({ orchestrator }: StartApplication): string {
  const { host = '', operation = '' } = orchestrator ?? {};
  return `${host.replace(/\/+$/, '')}/${operation.replace(/^\/+/, '')}`;
}
