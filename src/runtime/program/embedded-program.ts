import type { ObjectStore, Scope } from '../ports.ts';
import { useCodePaths } from './code-paths.ts';
import { useProgramOf } from './current.ts';
import { LocalLink } from './local-link.ts';
import { TaskProgram } from './task-program.ts';

/**
 * The process that holds the agent submits tasks itself: from now on calls of tasks in this thread go to `scope`. When
 * it is disposed the files that tasks have written are at their paths. Whoever opened the scope closes it.
 */
export class EmbeddedProgram implements AsyncDisposable {
  readonly #program: TaskProgram;
  readonly #link: LocalLink;

  constructor(scope: Scope, store: ObjectStore, codePaths: readonly string[]) {
    this.#link = new LocalLink(scope, store);
    this.#program = new TaskProgram(this.#link);
    useCodePaths(codePaths);
    useProgramOf(() => this.#program);
  }

  /** Ends waits with the reason: the user stopped the program, or the agent is going. */
  abort(reason: Error): void {
    this.#program.abort(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#program.finish();
    } finally {
      this.#link.flush();
      this.#program.close();
      for (const region of this.#program.regions.splice(0)) this.#link.discard(region);
      useProgramOf(undefined);
    }
  }
}
