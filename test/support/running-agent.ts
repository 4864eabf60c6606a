import { join } from 'node:path';
import { env as environment } from 'node:process';
import { type RunningProcess, startProcess } from '../../scripts/process.ts';
import { AgentClient, connectionOf } from '../../src/cli/client.ts';
import type { CertificateFiles } from './authority.ts';
import { type CommandResult, commandLine } from './command-line.ts';
import { type HeldValues, openPart, partClosed, untilEmpty } from './leftovers.ts';

const launcher = join(import.meta.dirname, '../../bin/metakernel');

export interface AgentOptions {
  readonly name: string;
  readonly cpus?: number;
  readonly appPath: string;
  /** Further flags of `metakernel agent start`. */
  readonly flags?: readonly string[];
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** What its ports show and ask for. Absent: plain text. */
  readonly certificates?: CertificateFiles;
  /** What our own requests and commands show. Default: what the agent shows. */
  readonly client?: CertificateFiles;
}

interface Listening {
  readonly pid: number;
  readonly url: string;
  readonly restPort: number;
  readonly grpcPort: number;
  readonly dataPort: number;
}

/** Of an agent that was killed a moment ago and has not ended yet. */
const UNANSWERED: HeldValues = { versions: Number.NaN, pinned: Number.NaN };
const NOTHING: HeldValues = { versions: 0, pinned: 0 };

/** `metakernel agent start` as a process of its own, on free ports. It dies with this one. */
export class RunningAgent implements AsyncDisposable {
  readonly name: string;
  readonly process: RunningProcess;
  readonly listening: Listening;
  /** What it has logged. */
  readonly log: readonly string[];
  /** Environment of commands that are to reach it. */
  readonly clientEnv: Readonly<Record<string, string>>;

  private constructor(options: AgentOptions, process: RunningProcess, listening: Listening, log: readonly string[]) {
    this.name = options.name;
    this.process = process;
    this.listening = listening;
    this.log = log;
    const { client = options.certificates } = options;
    const { ca = '', cert = '', key = '' } = client ?? {};
    const tls = client === undefined ? {} : { METAKERNEL_CA: ca, METAKERNEL_CERT: cert, METAKERNEL_KEY: key };
    this.clientEnv = { METAKERNEL_AGENT: listening.url, ...tls };
  }

  static start(options: AgentOptions): Promise<RunningAgent> {
    return openPart(() => RunningAgent.#start(options));
  }

  static async #start(options: AgentOptions): Promise<RunningAgent> {
    const { name, cpus = 1, appPath, flags = [], env = {}, certificates } = options;
    const log: string[] = [];
    const listening = Promise.withResolvers<Listening>();
    const ports = ['--rest-port=0', '--grpc-port=0', '--data-port=0'];
    const own = [`--name=${name}`, `--cpus=${cpus}`, `--app-path=${appPath}`, '--json', '--exit-with-parent'];
    const process = startProcess(launcher, ['agent', 'start', ...ports, ...own, ...tlsFlags(certificates), ...flags], {
      watch: 'stdin',
      env: { ...environment, ...env },
      onLine: (line, stream) => {
        log.push(line);
        if (stream === 'stdout' && line.startsWith('{"name":')) listening.resolve(JSON.parse(line) as Listening);
      },
    });
    const ended = process.exited.then(({ code, signal }) => {
      throw new Error(`agent ${name} ended (${code ?? signal}) before it listened:\n${log.join('\n')}`);
    });
    ended.catch(() => undefined);
    return new RunningAgent(options, process, await Promise.race([listening.promise, ended]), log);
  }

  /** Runs a command of the command line against this agent, in this process. */
  command(...argv: readonly string[]): Promise<CommandResult> {
    return commandLine(argv, { env: this.clientEnv });
  }

  /** Adds another agent to the pool of this one, over the agent link. */
  async add(other: RunningAgent, cpus = 1): Promise<void> {
    const { grpcPort } = other.listening;
    const properties = ['Host=127.0.0.1', `Port=${grpcPort}`];
    const result = await this.command('add-resources', '--cpu', String(cpus), other.name, ...properties);
    if (result.exitCode !== 0) throw new Error(`${other.name} could not be added: ${result.err}`);
  }

  async get(path: string): Promise<unknown> {
    const connection = connectionOf({ agent: undefined, tokenFile: undefined }, this.clientEnv);
    return (await new AgentClient(connection).request(path)).json();
  }

  /**
   * Stops it, if it still runs. Fails when its store holds anything, or when it does not end by itself on SIGTERM: then a
   * handle, a thread or a timer was left.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await using closing = new AsyncDisposableStack();
    closing.defer(partClosed);
    closing.defer(() => this.#stop());
    await this.emptied();
  }

  /** Resolves when its store holds nothing, or it has ended. */
  async emptied(): Promise<void> {
    if (this.process.exit() === undefined) await untilEmpty(this.name, () => this.#held());
  }

  async #stop(): Promise<void> {
    if (this.process.exit() !== undefined) return;
    const { code, signal } = await this.process.stop();
    if (code !== 0)
      throw new Error(`agent ${this.name} did not end by itself (${code ?? signal}):\n${this.log.join('\n')}`);
  }

  async #held(): Promise<HeldValues> {
    try {
      return ((await this.get('/COMPSs/data')) as { store: HeldValues }).store;
    } catch {
      return this.process.exit() === undefined ? UNANSWERED : NOTHING;
    }
  }
}

const tlsFlags = (certificates: CertificateFiles | undefined): readonly string[] =>
  certificates === undefined
    ? []
    : [`--tls-ca=${certificates.ca}`, `--tls-cert=${certificates.cert}`, `--tls-key=${certificates.key}`];
