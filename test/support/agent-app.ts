import { type AgentAppOptions, createAgentApp } from '../../src/agent/app.ts';
import { createHostCheck } from '../../src/agent/http/host-check.ts';
import type { AgentApp } from '../../src/agent/routes/context.ts';
import { Access } from '../../src/agent/security/access.ts';
import type { AuditEntry } from '../../src/agent/security/audit-log.ts';
import { silentLogger } from '../../src/common/logger.ts';
import { DEFAULT_BODY_LIMITS } from '../../src/contracts/agent/xml.ts';
import { RecordingBackend } from './recording-backend.ts';

export interface TestAgent extends AsyncDisposable {
  readonly app: AgentApp;
  readonly backend: RecordingBackend;
  /** Lines on the agent's stdout. */
  readonly printed: string[];
  readonly stopped: (readonly string[])[];
  readonly audited: AuditEntry[];
}

/** The REST interface over a recording backend. */
export async function createTestAgent(options: Partial<AgentAppOptions> = {}): Promise<TestAgent> {
  const backend = new RecordingBackend();
  const printed: string[] = [];
  const audited: AuditEntry[] = [];
  const stopped: (readonly string[])[] = [];
  const app = await createAgentApp({
    backend,
    logger: silentLogger,
    now: () => 1_709_300_000_000,
    print: (line) => printed.push(line),
    checkPath: () => undefined,
    stop: async (forwardTo) => {
      stopped.push(forwardTo);
    },
    version: '0.0.0',
    hostCheck: createHostCheck({ name: 'tester', bindHost: '127.0.0.1', allowedHosts: [] }),
    maxBodyBytes: 1024 * 1024,
    bodyLimits: DEFAULT_BODY_LIMITS,
    requestsPerSecond: 0,
    access: new Access(),
    audit: { record: (entry) => audited.push(entry) },
    ...options,
  });
  return { app, backend, printed, stopped, audited, [Symbol.asyncDispose]: () => app.close() };
}
