import { type ApplicationEventBody, applicationEvent } from '../contracts/agent/views.ts';
import type { AgentClient } from './client.ts';
import { CliError, EXIT } from './exit.ts';

const RETRIES = 20;
const RETRY_MS = 500;

/** Events of an application from its start to its end. A cut connection is taken up where it broke. */
export async function* applicationEvents(
  client: AgentClient,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ApplicationEventBody> {
  let after = 0;
  for (let failures = 0; failures <= RETRIES; failures += 1) {
    try {
      const path = `/COMPSs/applications/${encodeURIComponent(id)}/events?after=${after}`;
      const response = await client.request(path, { accept: 'text/event-stream', signal });
      for await (const event of readEvents(response)) {
        failures = 0;
        after = event.seq;
        yield event;
        if (isLast(event)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      // Before the first event nothing is known to be there: say so at once.
      if (after === 0 || (error instanceof CliError && error.exitCode !== EXIT.unreachable)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  throw new CliError(`the agent at ${client.connection.url} no longer answers`, EXIT.unreachable);
}

const isLast = (event: ApplicationEventBody): boolean =>
  event.type === 'status' && !['accepted', 'running'].includes(event.application.status);

async function* readEvents(response: Response): AsyncGenerator<ApplicationEventBody> {
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of response.body ?? []) {
    buffer += decoder.decode(chunk as Uint8Array, { stream: true });
    const blocks = buffer.split('\n\n');
    buffer = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = block.split('\n').find((line) => line.startsWith('data: '));
      const parsed = data === undefined ? undefined : applicationEvent.safeParse(JSON.parse(data.slice(6)));
      if (parsed?.success === true) yield parsed.data;
    }
  }
}
