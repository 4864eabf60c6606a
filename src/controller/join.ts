/** A new node asks the lighthouse of its domain what it is to be. */
import { RuntimeError } from '../common/errors.ts';
import { type DomainAnswer, domainAnswer } from '../contracts/icos/lighthouse.ts';
import type { Authenticator } from './iam/authenticator.ts';
import { Peer } from './service/peer.ts';
import { reachable } from './services.ts';
import type { ControllerConfig } from './settings.ts';

export interface Joined {
  readonly role: DomainAnswer['role'];
  readonly controller: DomainAnswer['controller'];
  /** What to start: the tier of a controller, or the driver of a machine that has one. */
  readonly config: ControllerConfig;
}

const LISTED_SERVICES = ['shell-backend', 'job-manager', 'matchmaker', 'aggregator'] as const;

/** The claim is one insert at the lighthouse: of two that ask at once, one becomes the controller and the other its agent. */
export async function joinDomain(config: ControllerConfig, authenticator: Authenticator): Promise<Joined> {
  const { domain, name, lighthouseUrl } = config;
  if (lighthouseUrl === undefined) throw invalid('--lighthouse', 'is needed: it knows who controls the domain');
  const address = addressOf(config);
  await using lighthouse = new Peer({ name: 'lighthouse', url: lighthouseUrl });
  const answer = await lighthouse.json(
    {
      method: 'POST',
      path: `/api/v3/domain/${domain}`,
      body: { name, address },
      token: await authenticator.serviceToken(),
    },
    domainAnswer,
  );
  return {
    role: answer.role,
    controller: answer.controller,
    config: configFor(answer, { ...config, advertise: address }),
  };
}

/** The claim names the address, so it must be known before anything listens. */
function addressOf({ advertise, host, shellPort }: ControllerConfig): string {
  if (advertise !== undefined) return advertise;
  if (shellPort === 0) throw invalid('--shell-port', 'must be given, or --advertise: the claim names it');
  if (host === '0.0.0.0' || host === '::') throw invalid('--advertise', `is needed when listening on ${host}`);
  return `${host.includes(':') ? `[${host}]` : host}:${shellPort}`;
}

function configFor({ role, controller }: DomainAnswer, config: ControllerConfig): ControllerConfig {
  if (role === 'controller') return { ...config, only: [...LISTED_SERVICES] };
  const host = new URL(`http://${controller.address}`).hostname;
  const { aggregatorPort, jobManagerPort } = config;
  return {
    ...config,
    only: ['none'],
    drivers: config.drivers.length === 0 ? ['process'] : config.drivers,
    aggregatorUrl: config.aggregatorUrl ?? `http://${reachable(host)}:${aggregatorPort}`,
    jobManagerUrl: config.jobManagerUrl ?? `http://${reachable(host)}:${jobManagerPort}`,
  };
}

const invalid = (key: string, reason: string): RuntimeError => new RuntimeError('ERR_CONFIG_INVALID', { key, reason });
