import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { startProcess } from '../../scripts/process.ts';
import { RunningAgent } from './running-agent.ts';
import { tempDir } from './temp-dir.ts';

const root = join(import.meta.dirname, '../..');
export const bindings = join(root, 'bindings/python');

export interface ProgramRun {
  readonly code: number | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

export interface PythonSetting {
  readonly interpreter: string;
  /** Folders of modules beside the program's own. */
  readonly paths?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const environment = ({ paths = [], env = {} }: PythonSetting): NodeJS.ProcessEnv => ({
  ...process.env,
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONPATH: [bindings, ...paths].join(delimiter),
  METAKERNEL_COMMAND: join(root, 'bin/metakernel'),
  ...env,
});

/** Runs a program to its end. */
export async function runProgram(
  program: string,
  args: readonly string[],
  setting: PythonSetting,
): Promise<ProgramRun> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  await using child = startProcess(program, args, {
    env: environment(setting),
    watch: 'guard',
    onLine: (line, stream) => (stream === 'stdout' ? stdout : stderr).push(line),
  });
  const { code } = await child.exited;
  return { code, stdout, stderr };
}

/** Without a runtime: tasks are plain calls. */
export const inPlainPython = (file: string, args: readonly string[], setting: PythonSetting): Promise<ProgramRun> =>
  runProgram(setting.interpreter, [file, ...args], setting);

/** With an agent of two units of its own. */
export const onOneAgent = (file: string, args: readonly string[], setting: PythonSetting): Promise<ProgramRun> =>
  runProgram(
    join(root, 'bin/metakernel'),
    ['run', '--quiet', '--cpus=2', `--python=${setting.interpreter}`, file, ...args],
    setting,
  );

/** Three agents of two units that are processes: one that programs are sent to, and two that it may offload to. */
export class ThreeAgents implements AsyncDisposable {
  readonly first: RunningAgent;
  /** Where the first keeps what its tasks print. */
  readonly #jobs: string;
  readonly #all: AsyncDisposableStack;
  #last = 0;

  private constructor(first: RunningAgent, jobs: string, all: AsyncDisposableStack) {
    this.first = first;
    this.#jobs = jobs;
    this.#all = all;
  }

  /** `folder`: of the programs. */
  static async start(folder: string, setting: PythonSetting): Promise<ThreeAgents> {
    await using all = new AsyncDisposableStack();
    const logs = all.use(tempDir('python-logs')).path;
    const appPath = [folder, ...(setting.paths ?? [])].join(delimiter);
    const flags = [`--python=${setting.interpreter}`, '--drain-ms=0', '--log-level=error'];
    const { env = {} } = setting;
    const start = async (name: string): Promise<RunningAgent> => {
      const own = [...flags, `--log-dir=${join(logs, name)}`];
      return all.use(await RunningAgent.start({ name, cpus: 2, appPath, flags: own, env }));
    };
    const [first, second, third] = await Promise.all([start('first'), start('second'), start('third')]);
    await first.add(second, 2);
    await first.add(third, 2);
    return new ThreeAgents(first, join(logs, 'first/jobs'), all.move());
  }

  async run(file: string, args: readonly string[] = []): Promise<ProgramRun> {
    const { exitCode, err } = await this.first.command('call', '--lang', 'PYTHON', '-q', file, '__main__', ...args);
    const job = this.#mainJob();
    return { code: exitCode, stdout: this.#printed(job, 'out'), stderr: [...this.#printed(job, 'err'), err] };
  }

  /** The first job since the last program: its own tasks are numbered after it. */
  #mainJob(): number {
    const jobs = readdirSync(this.#jobs)
      .map((name) => Number(/^job(\d+)_/.exec(name)?.[1]))
      .filter((job) => job > this.#last);
    const job = Math.min(...jobs);
    this.#last = Math.max(this.#last, ...jobs);
    return job;
  }

  #printed(job: number, kind: 'out' | 'err'): string[] {
    const name = readdirSync(this.#jobs).find((one) => one.startsWith(`job${job}_`) && one.endsWith(`.${kind}`));
    return name === undefined ? [] : readFileSync(join(this.#jobs, name), 'utf8').split('\n').slice(0, -1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#all.disposeAsync();
  }
}
