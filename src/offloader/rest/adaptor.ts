import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import { resourcesReply } from '../../contracts/agent/views.ts';
import type { Processor, ResourceDescription } from '../../runtime/model/resource.ts';
import type { Adaptor, NodeContext, NodeHandle, NodeWatcher } from '../../runtime/ports.ts';
import { CompssDialect } from './compss-dialect.ts';
import type { Dialect } from './dialect.ts';
import { OwnDialect } from './own-dialect.ts';
import { PeerWatch } from './peer-watch.ts';
import type { RemoteCalls } from './remote-calls.ts';
import { RestClient, type RestSecurity, reasonOf } from './rest-client.ts';
import { RestNode } from './rest-node.ts';

const DIALECTS = ['auto', 'compss', 'metakernel'] as const;

export interface RestSpec {
  readonly scheme: 'rest';
  readonly name: string;
  readonly url: string;
  /** auto: an agent of this kind is known by its health page. */
  readonly dialect: (typeof DIALECTS)[number];
  /** Directories that are the same there. */
  readonly sharedPaths: readonly string[];
}

export interface RestAdaptorOptions {
  readonly calls: RemoteCalls;
  /** Base URL of this agent, for calls back. Asked for at each call. */
  readonly callbackUrl: () => string;
  readonly security?: RestSecurity;
  /** Between questions whether a node is there. */
  readonly intervalMs?: number;
  /** Silence after which a node counts as lost. */
  readonly deadlineMs?: number;
}

const DEFAULT_PORT = 46101;
const DEFAULT_INTERVAL_MS = 500;
const DEFAULT_DEADLINE_MS = 2_000;
const PROPERTIES = ['Port', 'Host', 'Scheme', 'Dialect', 'SharedPath'];

const health = z.object({ name: z.string(), version: z.string(), incarnation: z.string().optional() });
type Health = z.output<typeof health>;

/**
 * Agents over REST. Properties: `Port` (46101), `Host` (the node's name), `Scheme` (http, https), `Dialect` (auto,
 * compss, metakernel), `SharedPath` (directories that are the same on both machines, parted by colons).
 */
export class RestAdaptor implements Adaptor<RestSpec> {
  readonly scheme = 'rest';
  readonly aliases = ['es.bsc.compss.agent.rest.master.Adaptor'];
  readonly #options: RestAdaptorOptions;

  constructor(options: RestAdaptorOptions) {
    this.#options = options;
  }

  parseSpec(name: string, properties: Readonly<Record<string, string>>): RestSpec {
    for (const key of Object.keys(properties)) {
      if (!PROPERTIES.includes(key)) throw invalid(key, `the rest adaptor knows ${PROPERTIES.join(', ')}`);
    }
    const host = properties['Host'] ?? name;
    if (!/^[\w.:%-]+$/.test(host)) throw invalid('Host', `${JSON.stringify(host)} is no host name or address`);
    const scheme = properties['Scheme'] ?? 'http';
    if (scheme !== 'http' && scheme !== 'https') throw invalid('Scheme', 'must be http or https');
    const dialect = DIALECTS.find((known) => known === (properties['Dialect'] ?? 'auto'));
    if (dialect === undefined) throw invalid('Dialect', `must be one of ${DIALECTS.join(', ')}`);
    const address = host.includes(':') ? `[${host}]` : host;
    return {
      scheme: 'rest',
      name,
      url: `${scheme}://${address}:${parsePort(properties['Port'])}`,
      dialect,
      sharedPaths: (properties['SharedPath'] ?? '').split(':').filter((path) => path !== ''),
    };
  }

  async connect(
    spec: RestSpec,
    description: ResourceDescription,
    context: NodeContext,
    watcher: NodeWatcher,
    signal: AbortSignal,
  ): Promise<NodeHandle> {
    const client = new RestClient(spec.url, this.#options.security ?? {});
    try {
      const peer = await this.#greet(spec, client);
      signal.throwIfAborted();
      const found = { ...description, processors: await offered(description, client), ...abilities(peer) };
      return this.#node(spec, found, { client, peer, context, watcher });
    } catch (error) {
      await client.close();
      throw error instanceof RuntimeError ? error : unreachable(spec, reasonOf(error));
    }
  }

  /** Health of an agent of our own kind; undefined for one of COMPSs. */
  async #greet(spec: RestSpec, client: RestClient): Promise<Health | undefined> {
    const deadline = this.#options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    const peer =
      spec.dialect === 'compss' ? undefined : healthIn(await client.send('GET', '/healthz', undefined, deadline));
    if (peer !== undefined) return peer;
    if (spec.dialect === 'metakernel') throw unreachable(spec, 'it is no agent of this kind');
    const { status } = await client.send('GET', '/COMPSs/test', undefined, deadline);
    if (status !== 200) throw unreachable(spec, `its health check answers ${status}`);
    return undefined;
  }

  #node(spec: RestSpec, description: ResourceDescription, { client, peer, context, watcher }: Connection): RestNode {
    const { calls, intervalMs = DEFAULT_INTERVAL_MS, deadlineMs = DEFAULT_DEADLINE_MS } = this.#options;
    const watch = new PeerWatch({
      client,
      path: peer === undefined ? '/COMPSs/resources' : '/healthz',
      incarnation: peer?.incarnation,
      intervalMs,
      deadlineMs,
      lost: (reason) => watcher.lost(reason),
    });
    return new RestNode({
      description,
      client,
      calls,
      watcher,
      dialect: this.#dialect(spec, peer, context),
      refused: () => watch.hurry(),
      cancelPulls: (versions) => {
        for (const version of versions) context.mover.cancelPull(version);
      },
      close: () => {
        watch.close();
        return client.close();
      },
    });
  }

  #dialect({ sharedPaths }: RestSpec, peer: Health | undefined, context: NodeContext): Dialect {
    const { callbackUrl } = this.#options;
    if (peer === undefined) return new CompssDialect({ context, callbackUrl, sharedPaths });
    return new OwnDialect({ context, callbackUrl, peer: peer.name });
  }
}

interface Connection {
  readonly client: RestClient;
  readonly peer: Health | undefined;
  readonly context: NodeContext;
  readonly watcher: NodeWatcher;
}

function healthIn({ status, text }: { readonly status: number; readonly text: string }): Health | undefined {
  if (status !== 200) return undefined;
  try {
    return health.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Units that nobody declared are those that the agent says of itself. */
async function offered({ processors }: ResourceDescription, client: RestClient): Promise<readonly Processor[]> {
  if (processors.length > 0) return processors;
  const { text } = await client.send('GET', '/COMPSs/resources', undefined, DEFAULT_DEADLINE_MS);
  const { resources } = resourcesReply.parse(JSON.parse(text));
  const self = resources.find(({ adaptor }) => adaptor === 'es.bsc.compss.types.COMPSsMaster') ?? resources[0];
  return (self?.description.processors ?? []).map(({ name, units, type }) => ({
    name,
    units,
    type: type === 'GPU' || type === 'FPGA' || type === 'OTHER' ? type : 'CPU',
  }));
}

/** Java methods there call no tasks of their own: the dialect says nothing of their interface. */
const abilities = (peer: Health | undefined): Partial<ResourceDescription> =>
  peer === undefined ? { languages: ['JAVA', 'PYTHON'], nestedTasks: false } : { nestedTasks: true };

const invalid = (key: string, reason: string): RuntimeError => new RuntimeError('ERR_CONFIG_INVALID', { key, reason });
const unreachable = (spec: RestSpec, reason: string): RuntimeError =>
  new RuntimeError('ERR_LINK_UNREACHABLE', { name: spec.name, address: spec.url, reason });

function parsePort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw invalid('Port', `${JSON.stringify(text)} is no port`);
  return port;
}
