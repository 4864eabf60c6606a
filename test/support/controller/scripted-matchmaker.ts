import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface WireTarget {
  readonly cluster_name: string;
  readonly node_name: string;
  readonly orchestrator: string;
}

export interface AskedComponent {
  readonly name: string;
  readonly requirements?: Record<string, unknown>;
  readonly avoid?: readonly { readonly cluster_name: string; readonly node_name: string }[];
}

/** Where components go while the script says nothing else. */
export const EDGE_TARGET: WireTarget = { cluster_name: 'icos-cluster-b', node_name: 'icosedge', orchestrator: 'ocm' };

/**
 * A matchmaker whose answers the test decides: for the order of events that the real one, which looks at a fleet,
 * cannot be made to give on demand.
 */
export interface ScriptedMatchmaker extends AsyncDisposable {
  readonly url: string;
  readonly requests: { readonly authorization: string | undefined; readonly components: readonly AskedComponent[] }[];
  /** `[]` for no target. */
  place: (component: AskedComponent) => WireTarget | readonly WireTarget[];
  /** Raw answer in place of a placement, for answers that are none. */
  raw: { readonly status: number; readonly body: string } | undefined;
}

export async function createScriptedMatchmaker(): Promise<ScriptedMatchmaker> {
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { components } = JSON.parse(text) as { components: readonly AskedComponent[] };
      script.requests.push({ authorization: request.headers.authorization, components });
      const { raw } = script;
      response.writeHead(raw?.status ?? 200, { 'content-type': 'application/json' });
      response.end(raw?.body ?? JSON.stringify({ components: components.map(answer) }));
    });
  });
  const answer = (component: AskedComponent) => {
    const targets = script.place(component);
    const isPlaced = !Array.isArray(targets) || targets.length > 0;
    return { ...component, targets, ...(isPlaced ? {} : { explanation: NOTHING_FITS }) };
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const script: ScriptedMatchmaker = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    place: () => EDGE_TARGET,
    raw: undefined,
    [Symbol.asyncDispose]: () => closed(server),
  };
  return script;
}

const NOTHING_FITS = {
  summary: '1 of 1 nodes rejected',
  rejectedNodes: 1,
  rejected: [{ cluster_name: 'icos-cluster-a', node_name: 'pi', reasons: ['memory: 6Gi wanted, 1Gi free'] }],
};

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
