import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError } from '../../common/errors.ts';
import { ownerIsAlive, ownerOf, readOwnerFile } from '../../runtime/data/process-owner.ts';

const OWNER_FILE = 'owner.json';

/** `--state-dir`: what outlives the process. One agent at a time holds it. */
export class StateDirectory implements Disposable {
  readonly applications: string;
  readonly #ownerFile: string;

  /** Throws ERR_CONFIG_INVALID when another living agent holds it, and what mkdir throws. */
  constructor(path: string) {
    this.applications = join(path, 'applications');
    this.#ownerFile = join(path, OWNER_FILE);
    mkdirSync(this.applications, { recursive: true, mode: 0o700 });
    this.#hold(path);
  }

  #hold(path: string): void {
    const owner = readOwnerFile(this.#ownerFile);
    // The owner in another container may live or not: two agents that write one journal are worse than a refusal.
    if (owner !== undefined && ownerIsAlive(owner) !== false) {
      const who = `process ${owner.pid} on ${owner.host}`;
      const reason = `${path} is held by ${who}; remove ${OWNER_FILE} in it if that agent is gone`;
      throw new RuntimeError('ERR_CONFIG_INVALID', { key: 'stateDir', reason });
    }
    writeFileSync(this.#ownerFile, JSON.stringify(ownerOf(process.pid)), { mode: 0o600 });
  }

  /** Ids of the applications that have something here. */
  list(): readonly string[] {
    return readdirSync(this.applications);
  }

  [Symbol.dispose](): void {
    rmSync(this.#ownerFile, { force: true });
  }
}
