import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentProcess, type AgentProgram, startAgent } from './agent-process.ts';
import type { Ports } from './ports.ts';
import type { AgentSpec, PortName, Workload } from './workload.ts';

export interface AgentGroupOptions {
  readonly program: AgentProgram;
  readonly ports: Ports;
  readonly folder: string;
  /** First wait before an agent that died is started again; doubles with each death, back to this after a minute alive. */
  readonly restartMs: number;
  /** Called at every change nobody asked for. */
  readonly changed: () => void;
}

interface Member {
  readonly name: string;
  readonly spec: AgentSpec;
  ports: Readonly<Record<PortName, number>> | undefined;
  agent: AgentProcess | undefined;
  /** Why it is not running; undefined while it is. */
  trouble: string | undefined;
  deaths: number;
  timer: NodeJS.Timeout | undefined;
}

const MAX_RESTART_MS = 60_000;
const LONG_LIFE_MS = 60_000;
const START_PARALLEL = 8;
const LOG_LINES = 5;

/** The agents of one deployment: started together, each started again when it dies, ended together. */
export class AgentGroup {
  readonly #options: AgentGroupOptions;
  readonly #members: readonly Member[];
  /** Starts under way: `stop` waits for them, or an agent would come up after it. */
  readonly #starting = new Set<Promise<void>>();
  #stopped = false;

  constructor(workload: Workload, options: AgentGroupOptions) {
    this.#options = options;
    this.#members = workload.agents.flatMap(({ spec, replicas }) =>
      Array.from({ length: replicas }, (_, index) =>
        newMember(spec, replicas === 1 ? spec.name : `${spec.name}-${index}`),
      ),
    );
  }

  /** Resolves when all answer; rejects with the first reason when one cannot, and then none runs. */
  async start(signal: AbortSignal): Promise<void> {
    const waiting = [...this.#members];
    const worker = async (): Promise<void> => {
      for (let member = waiting.shift(); member !== undefined; member = waiting.shift()) {
        signal.throwIfAborted();
        await this.#startMember(member);
        if (this.#stopped) return;
      }
    };
    try {
      await Promise.all(Array.from({ length: START_PARALLEL }, worker));
    } catch (thrown) {
      await this.stop();
      throw thrown;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const end = async (member: Member): Promise<void> => {
      clearTimeout(member.timer);
      await member.agent?.stop();
      this.#releasePorts(member);
    };
    await Promise.all(this.#members.map(end));
    await Promise.allSettled(this.#starting);
    await Promise.all(this.#members.map(end));
  }

  /** Where those that run are reached: REST interface and agent link. */
  get addresses(): readonly string[] {
    return this.#members.flatMap(({ agent, trouble }) =>
      agent === undefined || trouble !== undefined ? [] : [`${agent.url} (link ${agent.linkPort})`],
    );
  }

  get size(): number {
    return this.#members.length;
  }

  /** One line per agent that does not run. */
  get troubles(): readonly string[] {
    return this.#members.flatMap(({ name, trouble }) => (trouble === undefined ? [] : [`${name}: ${trouble}`]));
  }

  #startMember(member: Member): Promise<void> {
    const start = this.#bringUp(member);
    this.#starting.add(start);
    const forget = (): boolean => this.#starting.delete(start);
    start.then(forget, forget);
    return start;
  }

  async #bringUp(member: Member): Promise<void> {
    member.ports = await this.#takePorts(member.spec);
    if (this.#stopped) throw new Error('it is no longer wanted');
    const folder = join(this.#options.folder, member.name);
    const { name, spec, ports } = member;
    const started = performance.now();
    const agent = startAgent(this.#options.program, { name, spec, ports, folder });
    member.agent = agent;
    try {
      await agent.ready;
    } catch (thrown) {
      await agent.stop();
      member.agent = undefined;
      this.#releasePorts(member);
      throw new Error(`Agent ${name}: ${messageOf(thrown)}${logTail(folder)}`);
    }
    member.trouble = undefined;
    void agent.ended.then((how) => this.#died(member, how, performance.now() - started));
  }

  #died(member: Member, how: string, livedMs: number): void {
    if (this.#stopped) return;
    member.agent = undefined;
    this.#releasePorts(member);
    member.deaths = livedMs > LONG_LIFE_MS ? 1 : member.deaths + 1;
    this.#restartLater(member, `${how}${logTail(join(this.#options.folder, member.name))}`);
  }

  #restartLater(member: Member, trouble: string): void {
    const waitMs = Math.min(MAX_RESTART_MS, this.#options.restartMs * 2 ** (member.deaths - 1));
    member.trouble = `${trouble}; started again in ${Math.ceil(waitMs / 1000)} s (death ${member.deaths})`;
    this.#options.changed();
    member.timer = setTimeout(() => void this.#restart(member), waitMs);
  }

  async #restart(member: Member): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.#startMember(member);
      if (!this.#stopped) this.#options.changed();
    } catch (thrown) {
      member.deaths += 1;
      if (!this.#stopped) this.#restartLater(member, messageOf(thrown));
    }
  }

  async #takePorts({ hostPorts }: AgentSpec): Promise<Record<PortName, number>> {
    const { ports } = this.#options;
    const taken: number[] = [];
    const one = async (fixed: number | undefined): Promise<number> => {
      const port = await (fixed === undefined ? ports.take() : ports.takeThis(fixed));
      taken.push(port);
      return port;
    };
    try {
      return { rest: await one(hostPorts.rest), grpc: await one(hostPorts.grpc), data: await one(hostPorts.data) };
    } catch (thrown) {
      ports.release(taken);
      throw thrown;
    }
  }

  #releasePorts(member: Member): void {
    if (member.ports !== undefined) this.#options.ports.release(Object.values(member.ports));
    member.ports = undefined;
  }
}

const newMember = (spec: AgentSpec, name: string): Member => ({
  name,
  spec,
  ports: undefined,
  agent: undefined,
  trouble: 'not started yet',
  deaths: 0,
  timer: undefined,
});

/** What it said last is usually why. */
function logTail(folder: string): string {
  try {
    const lines = readFileSync(join(folder, 'agent.log'), 'utf8').trimEnd().split('\n').slice(-LOG_LINES);
    return lines.join('').trim() === '' ? '' : `\n${lines.map((line) => line.slice(0, 300)).join('\n')}`;
  } catch {
    return '';
  }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
