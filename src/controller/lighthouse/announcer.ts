import type { Logger } from '../../common/logger.ts';
import { type ControllerBody, domainAnswer } from '../../contracts/icos/lighthouse.ts';
import type { Authenticator } from '../iam/authenticator.ts';
import { every } from '../service/every.ts';
import type { HealthCheck } from '../service/health.ts';
import { Peer, type PeerAnswer, type ServiceUrl } from '../service/peer.ts';

export interface AnnouncerOptions {
  readonly lighthouseUrl: ServiceUrl;
  /** A function where it depends on a port that is known later. */
  readonly entry: ControllerBody | (() => ControllerBody);
  /** The domain to control. Absent: that of the entry's host name, if it has one. */
  readonly domain?: string;
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
const ADDED = 201;

export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { authenticator, logger, domain, renewMs = 20_000, retryMs = 2000, now = Date.now } = options;
  const lighthouse = new Peer({ name: 'lighthouse', url: options.lighthouseUrl, timeoutMs: 5000 });
  const entry = (): ControllerBody => (typeof options.entry === 'function' ? options.entry() : options.entry);
  let registeredAt: number | undefined;
  let problem: string | undefined = 'not registered yet';
  const call = async (method: 'POST' | 'DELETE', path: string, body?: ControllerBody): Promise<PeerAnswer> => {
    const answer = await lighthouse.call({ method, path, body, token: await authenticator.serviceToken() });
    if (answer.status < 300) return answer;
    throw new Error(`the lighthouse answered ${answer.status}: ${answer.text.slice(0, 200)}`);
  };
  const claim = async (wanted: string): Promise<void> => {
    const { text } = await call('POST', `/api/v3/domain/${wanted}`, entry());
    const { role, controller } = domainAnswer.parse(JSON.parse(text));
    // Listed nevertheless: shells may use this controller, new nodes of the domain go to the other one.
    problem = role === 'controller' ? undefined : `${wanted} is the domain of ${controller.address}`;
  };
  const register = async (): Promise<void> => {
    const { status } = await call('POST', CONTROLLERS, entry());
    problem = undefined;
    // A renewal keeps the domain; an entry that is new, or new again after its lease ended, has to ask for it.
    if (domain !== undefined && (status === ADDED || registeredAt === undefined)) await claim(domain);
  };
  const renew = async (): Promise<void> => {
    if (registeredAt !== undefined && now() - registeredAt < renewMs) return;
    try {
      await register();
      registeredAt = now();
    } catch (thrown) {
      registeredAt = undefined;
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
        await call('DELETE', `${CONTROLLERS}/${encodeURIComponent(entry().address)}`).catch(() => undefined);
      }
      await lighthouse[Symbol.asyncDispose]();
    },
  };
}
