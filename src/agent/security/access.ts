/** Who may do what, on every port of the agent. */
import { createHash } from 'node:crypto';
import { RuntimeError } from '../../common/errors.ts';
import { lesserRole, mayAct, type Role } from '../../contracts/agent/role.ts';
import type { TokenTable } from '../http/tokens.ts';
import type { Caller, CallerCertificate } from './caller.ts';

export interface AccessOptions {
  /** Absent: no tokens are asked for. */
  readonly tokens?: TokenTable;
  /** Callers must have a certificate of our authority. */
  readonly certificates?: boolean;
  /** Of certificates that carry none. */
  readonly certificateRole?: Role;
}

export interface Presented {
  readonly authorization?: string | undefined;
  readonly certificate?: CallerCertificate | undefined;
}

type Identified = Required<Caller>;

export interface Verdict {
  readonly caller: Caller;
  readonly refusal?: RuntimeError;
}

/** What is asked for must all be good: a token and a certificate where both are configured, and the lesser role counts. */
export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions = {}) {
    this.#options = options;
  }

  /** False: whoever reaches the port may do anything (loopback, or --insecure). */
  get guarded(): boolean {
    return this.#options.tokens !== undefined || this.#options.certificates === true;
  }

  judge(presented: Presented, needs: Role): Verdict {
    const caller = this.#identify(presented);
    if (caller instanceof RuntimeError) {
      return { caller: { name: presented.certificate?.name ?? 'unknown' }, refusal: caller };
    }
    if (mayAct(caller.role, needs)) return { caller };
    return { caller, refusal: new RuntimeError('ERR_ROLE_MISSING', { name: caller.name, has: caller.role, needs }) };
  }

  /** For connections that show a certificate and nothing else. */
  refuseCertificate(certificate: CallerCertificate | undefined, needs: Role): RuntimeError | undefined {
    const { certificateRole = 'run' } = this.#options;
    if (certificate === undefined) return new RuntimeError('ERR_CERTIFICATE_MISSING');
    const { name, problem, role = certificateRole } = certificate;
    if (problem !== undefined) return new RuntimeError('ERR_CERTIFICATE_REFUSED', { name, reason: problem });
    return mayAct(role, needs) ? undefined : new RuntimeError('ERR_ROLE_MISSING', { name, has: role, needs });
  }

  #identify({ authorization, certificate }: Presented): Identified | RuntimeError {
    if (!this.guarded) return { name: 'anybody', role: 'admin' };
    const { certificates, certificateRole = 'run' } = this.#options;
    if (certificates !== true) return this.#byToken(authorization);
    if (certificate === undefined) return new RuntimeError('ERR_CERTIFICATE_MISSING');
    const { name, role, problem } = certificate;
    if (problem !== undefined) return new RuntimeError('ERR_CERTIFICATE_REFUSED', { name, reason: problem });
    if (this.#options.tokens === undefined) return { name, role: role ?? certificateRole };
    const bearer = this.#byToken(authorization);
    if (bearer instanceof RuntimeError) return bearer;
    return {
      name: `${name} with ${bearer.name}`,
      role: role === undefined ? bearer.role : lesserRole(role, bearer.role),
    };
  }

  #byToken(authorization: string | undefined): Identified | RuntimeError {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const role = token === undefined ? undefined : this.#options.tokens?.roleOf(token);
    if (token === undefined || role === undefined) return new RuntimeError('ERR_UNAUTHENTICATED');
    return { name: tokenName(token), role };
  }
}

/** Tells tokens apart in the audit log without saying them. */
export const tokenName = (token: string): string =>
  `token ${createHash('sha256').update(token).digest('hex').slice(0, 8)}`;
