import type { DatumKind } from './model/access.ts';
import type { ResourceId, VersionId } from './model/ids.ts';
import { SELF } from './model/ids.ts';
import type { AgentIdentity, DataMover, DataSource, DatumContent, NodeHandle, ObjectStore, PullDone } from './ports.ts';
import type { SchedulerCore } from './scheduler/core.ts';

export interface VersionSourcesParts {
  readonly core: Pick<SchedulerCore, 'holders' | 'version'>;
  readonly store: ObjectStore;
  readonly mover: DataMover;
  readonly identity: AgentIdentity;
  readonly node: (resource: ResourceId) => NodeHandle | undefined;
  /** This agent holds the version now. */
  readonly arrived: (version: VersionId, bytes: number) => void;
}

/** Where the versions of an agent can be had: here, at its nodes, at the agent that called it, or through this one. */
export class VersionSources {
  readonly #parts: VersionSourcesParts;
  /** Other agents that can give a foreign version, as the submitter told us. */
  readonly #foreign = new Map<VersionId, readonly DataSource[]>();

  constructor(parts: VersionSourcesParts) {
    this.#parts = parts;
    parts.mover.onMissing?.((version, reader, done) => this.#relay(version, reader, done));
  }

  /**
   * Every known way for `reader` to get a version: here first, then peers, then where it came from. Tickets of the agent
   * that called name this agent as reader, and a third one may not reach a holder at all: the last way leads through here.
   */
  of(version: VersionId, reader: string): readonly DataSource[] {
    const { core, store, identity, node } = this.#parts;
    const found: DataSource[] = [];
    const here = store.has(version);
    if (here) found.push(this.#own(version, reader));
    for (const holder of core.holders(version)) {
      const source = holder === SELF ? undefined : node(holder)?.source(version, reader);
      if (source !== undefined) found.push(source);
    }
    if (reader === identity.name) found.push(...(this.#foreign.get(version) ?? []));
    else if (!here) found.push(this.#own(version, reader));
    return found;
  }

  /** Encoded size, as far as it is known. */
  bytes(version: VersionId): number {
    const { core, store } = this.#parts;
    return store.has(version) ? store.size(version) : (core.version(version)?.bytes ?? 0);
  }

  /** What the submitter gave as the content of a version that the core has named. */
  bind(version: VersionId, content: DatumContent): void {
    const { store, mover } = this.#parts;
    switch (content.from) {
      case 'inline':
        store.putInline(version, content.bytes);
        if (content.key !== undefined) mover.alias(content.key, version);
        break;
      case 'reservation':
        store.seal(version, content.reservation, content.length);
        break;
      case 'path':
        store.putFile(version, content.path, content.length, content.encoded === true, content.encoded);
        break;
      case 'sources':
        this.#foreign.set(version, content.sources);
        mover.alias(content.key, version);
        break;
      case 'nothing':
        break;
    }
  }

  /** Brings it to this agent. */
  bring(version: VersionId, done: PullDone): void {
    this.#pull(version, this.of(version, this.#parts.identity.name), done);
  }

  /** This agent neither holds it nor needs to know any more where it was. */
  free(version: VersionId): void {
    this.#foreign.delete(version);
    this.#parts.store.free(version);
  }

  #own(version: VersionId, reader: string): DataSource {
    const { identity, mover } = this.#parts;
    const { name, incarnation, host, dataPort } = identity;
    const key = `${incarnation}/${version}`;
    return { node: name, host, port: dataPort, key, ticket: mover.ticket(reader, [key]) };
  }

  /** A reader with a ticket asks for what is not here. It is not asked for its own copy: it has none. */
  #relay(version: VersionId, reader: string, done: PullDone): void {
    const sources = this.of(version, this.#parts.identity.name).filter((source) => source.node !== reader);
    this.#pull(version, sources, (result) => {
      if ('bytes' in result) this.#parts.arrived(version, result.bytes);
      done(result);
    });
  }

  #pull(version: VersionId, sources: readonly DataSource[], done: PullDone): void {
    const kind: DatumKind = this.#parts.core.version(version)?.kind ?? 'value';
    this.#parts.mover.pull(version, kind, sources, done);
  }
}
