import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Remediation } from '../../../contracts/icos/enums.ts';
import type { Workload } from './workload.ts';

/** How far remediations have moved a deployment from what its manifests say. */
export interface Scale {
  readonly replicas: number;
  readonly cpus: number;
  readonly memoryBytes: number;
}

export const AS_WRITTEN: Scale = { replicas: 0, cpus: 0, memoryBytes: 0 };
const GIB = 2 ** 30;

/** Up and down add and take a replica, out and in a core and a GiB, as the OCM driver does it. */
export function scaled(scale: Scale, remediation: Remediation): Scale {
  const { replicas, cpus, memoryBytes } = scale;
  switch (remediation) {
    case 'scale-up':
      return { ...scale, replicas: replicas + 1 };
    case 'scale-down':
      return { ...scale, replicas: replicas - 1 };
    case 'scale-out':
      return { ...scale, cpus: cpus + 1, memoryBytes: memoryBytes + GIB };
    case 'scale-in':
      return { ...scale, cpus: cpus - 1, memoryBytes: memoryBytes - GIB };
    default:
      return scale;
  }
}

/** Never below one replica of what runs at all, one core, and no memory less than is asked for. */
export function applyScale({ agents, ignored }: Workload, scale: Scale): Workload {
  return {
    ignored,
    agents: agents.map(({ spec, replicas }) => ({
      replicas: replicas === 0 ? 0 : Math.max(1, replicas + scale.replicas),
      spec: {
        ...spec,
        cpus: spec.cpus === undefined ? undefined : Math.max(1, spec.cpus + scale.cpus),
        memoryBytes:
          spec.memoryBytes === undefined ? undefined : Math.max(GIB / 8, spec.memoryBytes + scale.memoryBytes),
      },
    })),
  };
}

const saved = z.object({ replicas: z.int(), cpus: z.int(), memoryBytes: z.number() });
const FILE = 'scale.json';

/** The job manager's manifests do not change with a remediation, so the driver remembers it over a restart. */
export function readScale(folder: string): Scale {
  try {
    return saved.parse(JSON.parse(readFileSync(join(folder, FILE), 'utf8')));
  } catch {
    return AS_WRITTEN;
  }
}

export function writeScale(folder: string, scale: Scale): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, FILE), JSON.stringify(scale));
}
