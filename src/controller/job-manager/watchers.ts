import type { Logger } from '../../common/logger.ts';
import { type Identity, mayAccess } from '../iam/authenticator.ts';
import type { EventStream } from '../service/event-stream.ts';
import { every, type Repeating } from '../service/every.ts';
import { type LoadedGroup, loadGroup } from './change-group.ts';
import type { JobManager } from './context.ts';
import { existingGroups, groupsWrittenSince } from './group-repository.ts';
import type { GroupId } from './job.ts';
import { groupsChangedSince } from './job-repository.ts';
import { groupBodyOf } from './wire.ts';

interface Watcher {
  readonly stream: EventStream;
  readonly identity: Identity;
  /** One group, or all that the identity may see. */
  readonly only: GroupId | undefined;
  /** What was last sent of each group. */
  readonly sent: Map<GroupId, string>;
}

/** How far back a look goes: the clocks of several job managers differ, and transactions end later than they began. */
const OVERLAP_MS = 5000;
const LOOKS_PER_DELETION_CHECK = 10;

/**
 * Sends deployments to whoever watches them, whenever they change. It works by state and not by history: what counts is
 * whether a group is as it was last sent, so nothing is lost when several changes fall together or a look comes late.
 */
export class Watchers {
  readonly #manager: JobManager;
  readonly #watchers = new Set<Watcher>();
  readonly #seen = new Map<GroupId, string>();
  readonly #looking: Repeating;
  readonly #stopListening: () => void;
  #pending: Set<GroupId> | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #looks = 0;

  constructor(manager: JobManager, logger: Logger) {
    this.#manager = manager;
    this.#looking = every(manager.settings.watchMs, () => this.#look(), logger);
    this.#stopListening = manager.changes.listen((id) => this.#changed(id));
  }

  start(): void {
    this.#looking.start();
  }

  async stop(): Promise<void> {
    this.#stopListening();
    await this.#looking.stop();
    await this.#flushing;
  }

  /** Sends `current` and then every change. */
  add(stream: EventStream, identity: Identity, current: readonly LoadedGroup[], only?: GroupId): void {
    const watcher: Watcher = { stream, identity, only, sent: new Map() };
    for (const loaded of current) send(watcher, loaded);
    stream.send('ready', {});
    this.#watchers.add(watcher);
    stream.closed.addEventListener('abort', () => this.#watchers.delete(watcher), { once: true });
  }

  #changed(id: GroupId): void {
    if (this.#watchers.size === 0) return;
    if (this.#pending === undefined) {
      this.#pending = new Set();
      // One after the other: a state that was read before must not be sent after one that was read later.
      setImmediate(() => {
        this.#flushing = this.#flushing.then(() => this.#flush());
      });
    }
    this.#pending.add(id);
  }

  async #flush(): Promise<void> {
    const ids = this.#pending ?? new Set();
    this.#pending = undefined;
    for (const id of ids) {
      // The next look finds what could not be read now.
      await this.#publish(id).catch(() => this.#seen.delete(id));
    }
  }

  async #publish(id: GroupId): Promise<void> {
    const interested = [...this.#watchers].filter((watcher) => watcher.only === undefined || watcher.only === id);
    if (interested.length === 0) return;
    const loaded = await loadGroup(this.#manager.database.query, id);
    for (const watcher of interested) {
      if (loaded === undefined) sendDeletion(watcher, id);
      else if (mayAccess(watcher.identity, loaded.group.owner)) send(watcher, loaded);
    }
  }

  /** Finds what other job managers wrote. */
  async #look(): Promise<void> {
    if (this.#watchers.size === 0) {
      this.#seen.clear();
      return;
    }
    const { query } = this.#manager.database;
    const since = this.#manager.settings.now() - OVERLAP_MS - this.#manager.settings.watchMs;
    const changed = new Map<GroupId, string>();
    for (const { id, version } of await groupsChangedSince(query, since)) changed.set(id, `jobs ${version}`);
    for (const { id, version } of await groupsWrittenSince(query, since))
      changed.set(id, `${changed.get(id)} group ${version}`);
    for (const [id, state] of changed) if (this.#seen.get(id) !== state) this.#changed(id);
    this.#seen.clear();
    for (const [id, state] of changed) this.#seen.set(id, state);
    this.#looks += 1;
    if (this.#looks % LOOKS_PER_DELETION_CHECK === 0) await this.#findDeletions();
  }

  async #findDeletions(): Promise<void> {
    const ids = [...new Set([...this.#watchers].flatMap((watcher) => [...watcher.sent.keys()]))];
    const existing = await existingGroups(this.#manager.database.query, ids);
    for (const id of ids) if (!existing.has(id)) this.#changed(id);
  }
}

function send(watcher: Watcher, { group, jobs }: LoadedGroup): void {
  const state = `${group.version} ${jobs.map((job) => job.version).join(' ')}`;
  if (watcher.sent.get(group.id) === state) return;
  watcher.sent.set(group.id, state);
  watcher.stream.send('group', groupBodyOf(group, jobs));
}

function sendDeletion(watcher: Watcher, id: GroupId): void {
  if (!watcher.sent.delete(id)) return;
  watcher.stream.send('deleted', { ID: id });
  if (watcher.only !== undefined) watcher.stream.close();
}
