import type { ApplicationId } from '../contracts/agent/model.ts';
import { type AgentBackend, type ApplicationView, hasEnded } from './backend.ts';

/** The view when the application has ended, or as it is after `timeoutMs`, or when the signal says that nobody waits. */
export function waitForEnd(
  backend: AgentBackend,
  id: ApplicationId,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ApplicationView | undefined> {
  return new Promise((resolve) => {
    const stop = new AbortController();
    const finish = (): void => {
      clearTimeout(timer);
      stop.abort();
      unsubscribe();
      resolve(backend.application(id));
    };
    const timer = setTimeout(finish, timeoutMs);
    signal.addEventListener('abort', finish, { signal: stop.signal });
    const unsubscribe = backend.subscribe(id, Number.MAX_SAFE_INTEGER, (events) => {
      if (events.some((event) => event.type === 'status' && hasEnded(event.view.status))) finish();
    });
    const view = backend.application(id);
    if (signal.aborted || view === undefined || hasEnded(view.status)) finish();
  });
}
