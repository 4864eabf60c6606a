import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Remediation } from '../../../contracts/icos/enums.ts';
import { availableTold, degradedTold, withConditions } from '../conditions.ts';
import type {
  Deployment,
  DeploymentCondition,
  DeploymentDriver,
  DeploymentId,
  DeploymentState,
  DeploymentTarget,
  DriverId,
} from '../driver.ts';
import { Turns } from '../turns.ts';
import { AgentGroup } from './agent-group.ts';
import type { AgentProgram } from './agent-process.ts';
import { createPorts, type PortRange } from './ports.ts';
import { applyScale, readScale, type Scale, scaled, writeScale } from './scale.ts';
import { readWorkload } from './workload.ts';

export interface ProcessDriverOptions {
  readonly id: DriverId;
  /** The place in the taxonomy that this machine is. */
  readonly cluster: string;
  readonly node: string;
  readonly program: AgentProgram;
  readonly portRange: PortRange;
  /** Working directories and logs, one folder per deployment. */
  readonly folder: string;
  readonly restartMs: number;
  readonly now: () => number;
}

interface Managed {
  readonly deployment: Deployment;
  /** What it was started from: equal means that nothing is to be done. */
  readonly fingerprint: string;
  readonly group: AgentGroup | undefined;
  /** Objects that were read and have no effect here. */
  readonly ignored: readonly string[];
  state: DeploymentState;
}

type Told = Parameters<typeof withConditions>[1];

/** Deploys metakernel agents as processes of this machine. They end with this process, however it ends. */
export class ProcessDriver implements DeploymentDriver {
  readonly orchestrator = 'process';
  readonly id: DriverId;
  readonly #options: ProcessDriverOptions;
  readonly #ports: ReturnType<typeof createPorts>;
  readonly #managed = new Map<DeploymentId, Managed>();
  readonly #watchers = new Set<(state: DeploymentState) => void>();
  readonly #turns = new Turns();

  constructor(options: ProcessDriverOptions) {
    this.id = options.id;
    this.#options = options;
    this.#ports = createPorts(options.program.host, options.portRange);
  }

  serves({ cluster, node }: DeploymentTarget): boolean {
    return cluster === this.#options.cluster && (node === this.#options.node || node === '');
  }

  apply(deployment: Deployment, signal: AbortSignal): Promise<DeploymentState> {
    return this.#turns.take(deployment.id, () =>
      this.#bring(deployment, readScale(this.#folderOf(deployment.id)), signal),
    );
  }

  update(deployment: Deployment, remediation: Remediation, signal: AbortSignal): Promise<DeploymentState> {
    return this.#turns.take(deployment.id, () => {
      const folder = this.#folderOf(deployment.id);
      const scale = scaled(readScale(folder), remediation);
      writeScale(folder, scale);
      return this.#bring(deployment, scale, signal);
    });
  }

  remove(id: DeploymentId): Promise<void> {
    return this.#turns.take(id, async () => {
      await this.#managed.get(id)?.group?.stop();
      this.#managed.delete(id);
      rmSync(this.#folderOf(id), { recursive: true, force: true });
    });
  }

  observe(): Promise<readonly DeploymentState[]> {
    return Promise.resolve([...this.#managed.values()].map(({ state }) => state));
  }

  watch(changed: (state: DeploymentState) => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turns.settled();
    await Promise.all(
      [...this.#managed.values()].map(async (managed) => {
        if (managed.group === undefined) return;
        await managed.group.stop();
        this.#tell(managed, degradedTold('DriverStopped', 'The process driver of this machine was stopped'));
      }),
    );
    this.#managed.clear();
  }

  async #bring(deployment: Deployment, scale: Scale, signal: AbortSignal): Promise<DeploymentState> {
    const known = this.#managed.get(deployment.id);
    const read = readWorkload(deployment.manifests);
    const fingerprint = JSON.stringify([deployment.manifests, scale]);
    const stands = known?.fingerprint === fingerprint && known.state.status === 'available';
    if (stands) return known.state;
    await known?.group?.stop();
    const before = known?.state.conditions ?? [];
    if ('reason' in read) {
      return this.#keep(
        { deployment, fingerprint, group: undefined, ignored: [] },
        before,
        degradedTold(read.reason, read.message),
      );
    }
    const workload = applyScale(read.workload, scale);
    const group = this.#newGroup(deployment.id, workload);
    const managed = { deployment, fingerprint, group, ignored: workload.ignored };
    try {
      await group.start(signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      return this.#keep({ ...managed, group: undefined }, before, degradedTold('AgentFailed', message));
    }
    return this.#keep(managed, before, this.#toldBy(group, workload.ignored));
  }

  #newGroup(id: DeploymentId, workload: Parameters<typeof applyScale>[0]): AgentGroup {
    const { program, restartMs } = this.#options;
    const group: AgentGroup = new AgentGroup(workload, {
      program,
      ports: this.#ports,
      folder: this.#folderOf(id),
      restartMs,
      changed: () => {
        const managed = this.#managed.get(id);
        if (managed?.group === group) this.#tell(managed, this.#toldBy(group, managed.ignored));
      },
    });
    return group;
  }

  #toldBy(group: AgentGroup, ignored: readonly string[]): Told {
    const { troubles, addresses, size } = group;
    if (troubles.length > 0) {
      return degradedTold('AgentDown', `${size - troubles.length} of ${size} agents run. ${troubles.join('\n')}`);
    }
    const note = ignored.length === 0 ? '' : `; without effect on processes: ${ignored.join(', ')}`;
    return availableTold('AgentsRun', `${size} ${size === 1 ? 'agent' : 'agents'}: ${addresses.join(', ')}${note}`);
  }

  #keep(managed: Omit<Managed, 'state'>, before: readonly DeploymentCondition[], told: Told): DeploymentState {
    const state = this.#stateOf(managed.deployment, before, told);
    this.#managed.set(managed.deployment.id, { ...managed, state });
    return state;
  }

  #tell(managed: Managed, told: Told): void {
    managed.state = this.#stateOf(managed.deployment, managed.state.conditions, told);
    for (const watcher of this.#watchers) watcher(managed.state);
  }

  #stateOf({ id, component }: Deployment, before: readonly DeploymentCondition[], told: Told): DeploymentState {
    const conditions = withConditions(before, told, this.#options.now());
    const isAvailable = conditions.some(({ type, status }) => type === 'Available' && status === 'True');
    const name = `${component}-${id.slice(0, 8)}`;
    return { id, uuid: id, name, status: isAvailable ? 'available' : 'degraded', conditions };
  }

  #folderOf(id: DeploymentId): string {
    return join(this.#options.folder, id);
  }
}
