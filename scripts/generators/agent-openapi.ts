import { createAgentApp } from '../../src/agent/app.ts';
import type { AgentBackend } from '../../src/agent/backend.ts';
import { Access } from '../../src/agent/security/access.ts';
import { silentLogger } from '../../src/common/logger.ts';
import { DEFAULT_BODY_LIMITS } from '../../src/contracts/agent/xml.ts';
import { packageVersion } from '../../src/telemetry/version.ts';
import type { GeneratedFiles } from '../generate.ts';

/** The OpenAPI document as `GET /docs` serves it. No route is called, so nothing stands behind the backend but its name. */
export default async function agentOpenapi(): Promise<GeneratedFiles> {
  const app = await createAgentApp({
    backend: { name: 'agent' } as AgentBackend,
    logger: silentLogger,
    now: () => 0,
    print: () => undefined,
    checkPath: () => undefined,
    stop: async () => undefined,
    version: packageVersion(),
    hostCheck: () => true,
    maxBodyBytes: 1,
    bodyLimits: DEFAULT_BODY_LIMITS,
    requestsPerSecond: 0,
    access: new Access(),
    audit: { record: () => undefined },
  });
  await app.ready();
  const document = `${JSON.stringify(app.swagger(), null, 2)}\n`;
  await app.close();
  return new Map([['docs/reference/agent-openapi.json', document]]);
}
