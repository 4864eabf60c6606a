import { isIP } from 'node:net';
import { RuntimeError } from '../../common/errors.ts';
import type { ControllerBody, DomainAnswer } from '../../contracts/icos/lighthouse.ts';
import type { Identity } from '../iam/authenticator.ts';
import { Renewals } from './renewals.ts';
import type { ClaimOutcome, LighthouseRepository, Registration } from './repository.ts';

export interface LighthouseOptions {
  /** How long a registration lasts; those who register come back after a third of it. */
  readonly leaseMs: number;
  readonly gatherMs: number;
  readonly now: () => number;
}

export interface Lighthouse {
  readonly leaseMs: number;
  list(): Promise<readonly ControllerBody[]>;
  register(body: ControllerBody, identity: Identity): Promise<'added' | 'renewed'>;
  deregister(address: string, identity: Identity): Promise<void>;
  /** Makes the caller the controller of the domain if it has none; else says who is. */
  join(domain: string, body: ControllerBody, identity: Identity): Promise<DomainAnswer>;
  controllerOf(domain: string): Promise<DomainAnswer>;
  removeExpired(): Promise<number>;
}

export function createLighthouse(repository: LighthouseRepository, options: LighthouseOptions): Lighthouse {
  const { now, leaseMs } = options;
  const renewals = new Renewals(repository, options);
  const claim = (body: ControllerBody, domain: string | null, identity: Identity): Promise<ClaimOutcome> => {
    const at = now();
    return repository.claim({ ...body, domain, owner: identity.subject }, at, at + leaseMs);
  };
  return {
    leaseMs,
    list: async () => (await repository.list(now())).map(bodyOf),
    register: async (body, identity) => {
      if (await renewals.renew({ ...body, owner: identity.subject })) return 'renewed';
      return settled(await claimOwnHost(body, identity, claim));
    },
    deregister: async (address, identity) => {
      const found = await repository.byAddress(address, now());
      if (found === undefined) throw new RuntimeError('ERR_CONTROLLER_UNKNOWN', { address });
      if (found.owner !== identity.subject && !identity.roles.has('admin')) throw addressTaken(address);
      await repository.remove(address);
    },
    join: async (domain, body, identity) => {
      const outcome = await claim(body, domain, identity);
      if (outcome.result === 'address-taken') throw addressTaken(body.address);
      const role = outcome.result === 'domain-taken' ? 'agent' : 'controller';
      return domainAnswerOf(role, domain, outcome.registration, leaseMs);
    },
    controllerOf: async (domain) => {
      const found = await repository.byDomain(domain, now());
      if (found === undefined) throw new RuntimeError('ERR_DOMAIN_UNCLAIMED', { domain });
      return domainAnswerOf('agent', domain, found, leaseMs);
    },
    removeExpired: () => repository.removeExpired(now()),
  };
}

type ClaimFor = (body: ControllerBody, domain: string | null, identity: Identity) => Promise<ClaimOutcome>;

/** Whoever registers under a host name controls that domain, unless somebody at another port does already. */
async function claimOwnHost(body: ControllerBody, identity: Identity, claim: ClaimFor): Promise<ClaimOutcome> {
  const host = hostOf(body.address);
  const outcome = await claim(body, host, identity);
  return outcome.result === 'domain-taken' ? claim(body, null, identity) : outcome;
}

/** The host of `host`, `host:port` and `[v6]:port` when it is a name; addresses are nobody's domain. */
export function hostOf(address: string): string | null {
  const host = address.startsWith('[') ? address : (address.split(':', 1)[0] ?? '');
  const isName = !host.startsWith('[') && isIP(host) === 0 && address.split(':').length <= 2;
  return isName && host !== '' ? host.toLowerCase() : null;
}

function settled(outcome: ClaimOutcome): 'added' | 'renewed' {
  if (outcome.result === 'added' || outcome.result === 'renewed') return outcome.result;
  throw addressTaken(outcome.registration.address);
}

const addressTaken = (address: string): RuntimeError => new RuntimeError('ERR_ADDRESS_TAKEN', { address });

const bodyOf = ({ name, address }: Registration): ControllerBody => ({ name, address });

const domainAnswerOf = (
  role: DomainAnswer['role'],
  domain: string,
  registration: Registration,
  leaseMs: number,
): DomainAnswer => ({ role, domain, controller: bodyOf(registration), leaseSeconds: leaseMs / 1000 });
