import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import type { NewResource } from '../../contracts/agent/model.ts';
import { nodeDescription } from '../../contracts/agent/resource-schema.ts';

const units = z.int().min(0).optional();

const node = z.strictObject({
  name: z.string().min(1).max(255),
  /** Scheme or COMPSs's class name; the agent link when absent. */
  adaptor: z.string().min(1).optional(),
  cpus: units,
  gpus: units,
  fpgas: units,
  /** GB. */
  memory: z.number().positive().optional(),
  /** As in `addResources`, instead of the four above. */
  description: nodeDescription.optional(),
  properties: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({}),
});

const pool = z.strictObject({ nodes: z.array(node).max(10_000) });

/** The nodes that an agent adds to its pool when it starts. Throws ERR_CONFIG_INVALID naming the place. */
export function readPoolFile(path: string): readonly NewResource[] {
  const result = pool.safeParse(parsed(path));
  if (result.success) return result.data.nodes.map(toResource);
  const issue = result.error.issues[0];
  throw invalid(path, `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is invalid'}`.trim());
}

function parsed(path: string): unknown {
  try {
    return parseYaml(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
}

const invalid = (path: string, reason: string): RuntimeError =>
  new RuntimeError('ERR_CONFIG_INVALID', { key: 'pool', reason: `${path}: ${reason}` });

function toResource({ name, adaptor, description, properties, ...short }: z.output<typeof node>): NewResource {
  return {
    name,
    ...(adaptor === undefined ? {} : { adaptor }),
    description: description ?? shortDescription(short),
    projectProperties: {},
    resourceProperties: properties,
  };
}

type Short = Pick<z.output<typeof node>, 'cpus' | 'gpus' | 'fpgas' | 'memory'>;

/** Without any units the node says itself what it has. */
function shortDescription({ cpus, gpus, fpgas, memory }: Short): NewResource['description'] {
  const processors = [
    { name: 'MainProcessor', type: 'CPU' as const, units: cpus },
    { name: 'gpu', type: 'GPU' as const, units: gpus },
    { name: 'FPGA', type: 'FPGA' as const, units: fpgas },
  ];
  return {
    processors: processors.flatMap(({ units: given, ...rest }) =>
      given === undefined ? [] : [{ ...rest, units: given }],
    ),
    ...(memory === undefined ? {} : { memoryGb: memory }),
  };
}
