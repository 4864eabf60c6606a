import type { Metadata } from '@grpc/grpc-js';
import type { RuntimeError } from '../../common/errors.ts';
import type { PeerServiceOptions } from '../peer/peer-service.ts';
import type { Access } from './access.ts';
import type { AgentSecurity } from './agent-security.ts';
import { type AuditLog, auditRefused } from './audit-log.ts';
import type { CallerCertificate } from './caller.ts';

/** Whoever opens a stream of the agent link. */
export interface StreamCaller {
  readonly metadata: Metadata;
  readonly certificate?: CallerCertificate | undefined;
  /** Address and port. */
  readonly from: string;
}

/** Says why a caller may not open links; undefined when it may. */
export type StreamCheck = (caller: StreamCaller) => RuntimeError | undefined;

/** How the agent link is guarded: as every port, and its largest frame. */
export const linkService = (
  { access, audit }: AgentSecurity,
  maxFrameBytes: number,
): Pick<PeerServiceOptions, 'check' | 'refused' | 'maxFrameBytes'> => ({
  check: checkStreams(access, audit),
  refused: (certificate, from) => {
    const refusal = access.refuseCertificate(certificate, 'run');
    if (refusal !== undefined) auditRefused(audit, { port: 'link', certificate, from, refusal });
  },
  maxFrameBytes,
});

/** Links start tasks: the role run opens them. */
export function checkStreams(access: Access, audit: AuditLog): StreamCheck {
  return ({ metadata, certificate, from }) => {
    const given = metadata.get('authorization')[0];
    const authorization = typeof given === 'string' ? given : undefined;
    const { caller, refusal } = access.judge({ authorization, certificate }, 'run');
    const outcome = refusal?.code ?? 'ok';
    audit.record({ port: 'link', who: caller.name, role: caller.role, from, action: 'open a stream', outcome });
    return refusal;
  };
}
