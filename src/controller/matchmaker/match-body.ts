import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import type { Application, JsonObject } from '../../contracts/icos/descriptor/application.ts';
import { readDescriptor } from '../../contracts/icos/descriptor/parse-descriptor.ts';
import type { Avoided } from './placement-request.ts';

/** YAML text of the release (also as a JSON string), or an object: the seed's Deployment or a descriptor. */
export const matchBody = z
  .union([z.string().min(1), z.looseObject({})])
  .describe('A descriptor as YAML or JSON, or a Kubernetes Deployment as JSON.');

const avoidance = z.array(z.object({ cluster_name: z.string().max(253), node_name: z.string().max(253) })).max(1024);

export interface MatchQuestion {
  readonly application: Application;
  /** As it came: the answer echoes it. */
  readonly document: JsonObject;
  readonly avoid: ReadonlyMap<string, Avoided>;
}

export function readMatchBody(body: z.output<typeof matchBody>): MatchQuestion {
  const { application, documents } = readDescriptor(jsonOf(body), { manifests: 'none' });
  const document = documents[0] ?? {};
  return { application, document, avoid: avoidedBy(componentsOf(document)) };
}

/** The job manager asks in JSON under the content type of YAML, and JSON is read a hundred times faster as such. */
function jsonOf(body: z.output<typeof matchBody>): z.output<typeof matchBody> {
  if (typeof body !== 'string' || !body.trimStart().startsWith('{')) return body;
  try {
    return JSON.parse(body) as JsonObject;
  } catch {
    return body;
  }
}

export const componentsOf = (document: JsonObject): readonly JsonObject[] =>
  (document['components'] ?? []) as readonly JsonObject[];

function avoidedBy(components: readonly JsonObject[]): ReadonlyMap<string, Avoided> {
  const avoided = new Map<string, Avoided>();
  for (const [index, component] of components.entries()) {
    const given = component['avoid'];
    if (given === undefined) continue;
    const parsed = avoidance.safeParse(given);
    if (!parsed.success) {
      const reason = 'is not a list of {cluster_name, node_name}';
      throw new RuntimeError('ERR_DESCRIPTOR_INVALID', { field: `components[${index}].avoid`, reason });
    }
    const places = parsed.data.map(({ cluster_name, node_name }) => ({ cluster: cluster_name, node: node_name }));
    avoided.set(String(component['name']), places);
  }
  return avoided;
}
