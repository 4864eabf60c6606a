/** COMPSs's profiles: how long implementations have taken, in milliseconds (`--input_profile`, `--output_profile`). */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';

const entry = z.looseObject({
  executions: z.number().min(0).optional(),
  avgTime: z.number().min(0),
  minTime: z.number().min(0).optional(),
  maxTime: z.number().min(0).optional(),
});
const implementations = z.record(z.string(), entry).default({});
const profile = z.looseObject({
  implementations,
  resources: z.record(z.string(), z.looseObject({ implementations })).default({}),
});

/** Mean durations by signature. Those of the agent itself win over the general ones. */
export type Durations = Readonly<Record<string, { readonly averageMs: number }>>;

/** Throws ERR_CONFIG_INVALID. */
export function readProfile(path: string, self: string): Durations {
  try {
    const found = profile.parse(JSON.parse(readFileSync(path, 'utf8')));
    const all = { ...found.implementations, ...found.resources[self]?.implementations };
    return Object.fromEntries(
      Object.entries(all).map(([name, { avgTime }]) => [ourSignature(name), { averageMs: avgTime }]),
    );
  } catch (error) {
    const reason = `${path}: ${error instanceof Error ? error.message : String(error)}`;
    throw new RuntimeError('ERR_CONFIG_INVALID', { key: 'inputProfile', reason }, { cause: error });
  }
}

export interface ElementDurations {
  readonly signature: string;
  readonly executed: number;
  readonly minMs?: number;
  readonly averageMs?: number;
  readonly maxMs?: number;
}

/** What has run, as COMPSs writes it. */
export function writeProfile(self: string, elements: readonly ElementDurations[]): string {
  const listed = Object.fromEntries(
    elements
      .filter(({ executed }) => executed > 0)
      .map(({ signature, executed, minMs = 0, averageMs = 0, maxMs = 0 }) => [
        theirSignature(signature),
        {
          executions: executed,
          avgTime: Math.round(averageMs),
          minTime: Math.round(minMs),
          maxTime: Math.round(maxMs),
        },
      ]),
  );
  return JSON.stringify(
    { cloud: {}, resources: { [self]: { implementations: listed } }, implementations: listed },
    null,
    1,
  );
}

/** `method(TYPES)module` there, `module#method(TYPES)` here. */
function ourSignature(name: string): string {
  const [, call, module] = /^(.*\))([^()]*)$/.exec(name) ?? [];
  return call === undefined || module === undefined || module === '' ? name : `${module}#${call}`;
}

function theirSignature(signature: string): string {
  const hash = signature.indexOf('#');
  const call = signature.slice(hash + 1);
  return hash < 1 || !call.endsWith(')') ? signature : call + signature.slice(0, hash);
}
