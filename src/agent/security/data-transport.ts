import { type DataTransport, tlsTransport } from '../../runtime/data/data-transport.ts';
import type { AgentSecurity } from './agent-security.ts';
import { auditRefused } from './audit-log.ts';
import { certificateOf } from './caller.ts';
import { renewOnChange, serverOptions } from './tls-server.ts';

/**
 * The data port behind the certificates of the agent. What a reader may have its ticket says, on top; the token of the
 * other ports is not asked for here, as only who has opened a link gets tickets.
 */
export function dataTransport({ tls, access, audit }: AgentSecurity): { readonly transport?: DataTransport } {
  if (tls === undefined) return {};
  const transport = tlsTransport({
    tls,
    server: serverOptions(tls),
    renew: (server) => renewOnChange(server, tls),
    admit: (socket) => {
      if (tls.material.ca === undefined) return true;
      const certificate = certificateOf(socket);
      const from = `${socket.remoteAddress}:${socket.remotePort}`;
      const refusal = access.refuseCertificate(certificate, 'run');
      if (refusal === undefined) return true;
      auditRefused(audit, { port: 'data', certificate, from, refusal });
      return false;
    },
  });
  return { transport };
}
