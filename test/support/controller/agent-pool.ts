import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { AgentProgram } from '../../../src/controller/deployment/process/agent-process.ts';

export interface PoolSketch {
  readonly name?: string;
  readonly replicas?: number;
  readonly image?: string;
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: readonly object[];
  readonly ports?: readonly object[];
  readonly requests?: object;
  readonly kind?: string;
}

/** A Deployment of agents as YAML. */
export function agentPool(sketch: PoolSketch = {}): string {
  const { name = 'pool', replicas = 1, image = 'metakernel:latest', args = [], kind = 'Deployment' } = sketch;
  const container = {
    name: 'agent',
    image,
    ...(sketch.command === undefined ? {} : { command: sketch.command }),
    args: sketch.command === undefined ? ['agent', ...args] : args,
    ...(sketch.env === undefined ? {} : { env: sketch.env }),
    ...(sketch.ports === undefined ? {} : { ports: sketch.ports }),
    ...(sketch.requests === undefined ? {} : { resources: { requests: sketch.requests } }),
  };
  return stringify({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
    },
  });
}

export const standInProgram: AgentProgram = {
  command: [process.execPath, join(import.meta.dirname, 'programs/stand-in-agent.ts')],
  host: '127.0.0.1',
  readyMs: 10_000,
  graceMs: 2_000,
};

/** Processes whose working directory lies in `folder`: agents have theirs in their deployment's. */
export function processesIn(folder: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
}
