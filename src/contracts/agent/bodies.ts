/** The bodies of the agent's interface by name: their XML root, their schema, and one way to read them. */
import type { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import { startApplicationBody, UNSUPPORTED } from './application-schema.ts';
import { endApplicationBody } from './end-schema.ts';
import { parseJson } from './json.ts';
import { newResourceBody, reduceResourceBody, workerBody } from './resource-schema.ts';
import type { BodyLimits } from './xml.ts';
import { readXmlBody, type XmlRoot } from './xml-bodies.ts';

export const BODIES = {
  startApplication: { root: 'startApplication', schema: startApplicationBody },
  endApplication: { root: 'endApplication', schema: endApplicationBody },
  addResources: { root: 'newResource', schema: newResourceBody },
  removeResources: { root: 'reduceNode', schema: reduceResourceBody },
  removeNode: { root: 'removeNode', schema: workerBody },
  lostNode: { root: 'lostNode', schema: workerBody },
} as const satisfies Record<string, { readonly root: XmlRoot; readonly schema: z.ZodType }>;

export type BodyName = keyof typeof BODIES;
export type Body<Name extends BodyName> = z.output<(typeof BODIES)[Name]['schema']>;
export type Dialect = 'xml' | 'json';

/** Reads and checks a body. Throws a RuntimeError with a 4xx status for everything that a sender can get wrong. */
export function parseBody<Name extends BodyName>(
  name: Name,
  dialect: Dialect,
  text: string,
  limits?: BodyLimits,
): Body<Name> {
  const { root, schema } = BODIES[name];
  const shape = dialect === 'xml' ? readXmlBody(text, root, limits) : parseJson(text, limits);
  const result = schema.safeParse(shape);
  if (!result.success) throw requestError(result.error.issues, dialect);
  return result.data as Body<Name>;
}

type Issue = z.core.$ZodIssue;

/** The first issue as an error that names the field. */
export function requestError(issues: readonly Issue[], dialect: Dialect = 'json'): RuntimeError {
  const unsupported = issues.find((issue) => issue.code === 'custom' && issue.params?.['error'] === UNSUPPORTED.error);
  if (unsupported !== undefined) return new RuntimeError('ERR_LANGUAGE_UNSUPPORTED', { field: 'lang' });
  const issue = issues[0];
  if (issue === undefined) return new RuntimeError('ERR_REQUEST_INVALID', { field: 'body', reason: 'is invalid' });
  return new RuntimeError('ERR_REQUEST_INVALID', { field: fieldName(issue.path, dialect), reason: issue.message });
}

/** `parameters[0].direction`; in the spelling of the dialect. */
export function fieldName(path: readonly PropertyKey[], dialect: Dialect): string {
  let name = '';
  for (const part of path) {
    if (typeof part === 'number') name += `[${part}]`;
    else name += (name === '' ? '' : '.') + spelt(String(part), dialect);
  }
  return name === '' ? 'body' : name;
}

const XML_SPELLING: ReadonlyMap<string, string> = new Map([
  ['units', 'computingUnits'],
  ['memory_size', 'memorySize'],
  ['memory_type', 'memoryType'],
  ['storage_size', 'storageSize'],
  ['storage_type', 'storageType'],
  ['storage_bandwidth', 'storageBW'],
]);

const spelt = (part: string, dialect: Dialect): string => (dialect === 'xml' ? (XML_SPELLING.get(part) ?? part) : part);
