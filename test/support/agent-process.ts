import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AgentState, TestAgentOptions } from './agents.ts';
import { openPart, partClosed } from './leftovers.ts';
import { tempDir } from './temp-dir.ts';

export type AgentQuestion =
  | { readonly ask: 'state' }
  | { readonly ask: 'add'; readonly name: string; readonly port: number };
type ProcessOptions = Omit<TestAgentOptions, 'logger' | 'security' | 'folder'>;

/** A `TestAgent` in a process of its own. It ends when this process does; its folder is ours, since it may be killed. */
export class AgentProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly port: number;

  readonly #folder: Disposable;

  private constructor(child: ChildProcess, port: number, folder: Disposable) {
    this.child = child;
    this.port = port;
    this.#folder = folder;
  }

  static start(options: ProcessOptions): Promise<AgentProcess> {
    return openPart(() => AgentProcess.#start(options));
  }

  static async #start(options: ProcessOptions): Promise<AgentProcess> {
    using opened = new DisposableStack();
    const folder = opened.use(tempDir(`agent-${options.name}`));
    const entry = join(import.meta.dirname, 'agent-process-entry.ts');
    const given = JSON.stringify({ ...options, folder: folder.path } satisfies TestAgentOptions);
    const child = fork(entry, [given], { execArgv: ['--conditions=source'] });
    const ready = once(child, 'message') as Promise<[{ port: number }]>;
    const exited = once(child, 'exit').then(([code]) => {
      throw new Error(`the agent process ended with ${String(code)}`);
    });
    const [message] = await Promise.race([ready, exited]);
    exited.catch(() => undefined);
    return new AgentProcess(child, message.port, opened.move());
  }

  get pid(): number {
    return this.child.pid as number;
  }

  async state(): Promise<AgentState> {
    return (await this.#ask({ ask: 'state' })) as AgentState;
  }

  /** Adds another agent to its pool. */
  async add(name: string, port: number): Promise<void> {
    await this.#ask({ ask: 'add', name, port });
  }

  async #ask(question: AgentQuestion): Promise<unknown> {
    this.child.send(question);
    const [answer] = (await once(this.child, 'message')) as [unknown];
    return answer;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves when the process has ended. */
  async killed(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killed();
    this.#folder[Symbol.dispose]();
    await partClosed();
  }
}
