import type { Logger } from '../../common/logger.ts';
import type { ControllerBody } from '../../contracts/icos/lighthouse.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import { every } from '../service/every.ts';
import type { HealthCheck } from '../service/health.ts';
import { Peer } from '../service/peer.ts';

export interface AnnouncerOptions {
  readonly lighthouseUrl: string;
  readonly entry: ControllerBody;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  /** A third of the lighthouse's lease, so that two may be lost. */
  readonly renewMs?: number;
  /** How soon a registration that failed is tried again. */
  readonly retryMs?: number;
  readonly now?: () => number;
}

/** Keeps a controller in the list of a lighthouse, and takes it off when it stops. */
export interface Announcer extends AsyncDisposable {
  readonly check: HealthCheck;
  start(): void;
}

const CONTROLLERS = '/api/v3/controller';

export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { entry, authenticator, logger, renewMs = 20_000, retryMs = 2000, now = Date.now } = options;
  const lighthouse = new Peer({ name: 'lighthouse', url: options.lighthouseUrl, timeoutMs: 5000 });
  let registeredAt: number | undefined;
  let problem: string | undefined = 'not registered yet';
  const call = async (method: 'POST' | 'DELETE', path: string, body?: ControllerBody): Promise<void> => {
    const { status, text } = await lighthouse.call({ method, path, body, token: await authenticator.serviceToken() });
    if (status >= 300) throw new Error(`the lighthouse answered ${status}: ${text.slice(0, 200)}`);
  };
  const renew = async (): Promise<void> => {
    if (registeredAt !== undefined && now() - registeredAt < renewMs) return;
    registeredAt = undefined;
    try {
      await call('POST', CONTROLLERS, entry);
      registeredAt = now();
      problem = undefined;
    } catch (thrown) {
      problem = thrown instanceof Error ? thrown.message : String(thrown);
      throw thrown;
    }
  };
  const renewing = every(Math.min(retryMs, renewMs), renew, logger);
  return {
    check: { name: 'registration', required: false, probe: () => problem },
    start: () => {
      renewing.start();
      renewing.wake();
    },
    [Symbol.asyncDispose]: async () => {
      await renewing.stop();
      // A lighthouse that is away forgets the entry by itself when the lease ends.
      if (registeredAt !== undefined) {
        await call('DELETE', `${CONTROLLERS}/${encodeURIComponent(entry.address)}`).catch(() => undefined);
      }
      await lighthouse[Symbol.asyncDispose]();
    },
  };
}
