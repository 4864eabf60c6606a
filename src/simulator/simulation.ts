import { RuntimeError } from '../common/errors.ts';
import type { CoreId, Handle, ResourceId, ScopeId } from '../runtime/model/ids.ts';
import type { CoreOptions } from '../runtime/scheduler/core.ts';
import type { SchedulerEffect } from '../runtime/scheduler/effects.ts';
import type { SchedulerEvent } from '../runtime/scheduler/events.ts';
import { createCore } from '../runtime/scheduler/scheduler.ts';
import { Bound } from './bound.ts';
import type { Cluster, NodeFault, NodeModel } from './cluster.ts';
import { cancel, cancelTransfer, kill, launch, recall, transfer } from './machine.ts';
import { SimNode } from './node.ts';
import type { ModelProgram, ModelTask, ProgramStep } from './program.ts';
import type { SimulationReport } from './report.ts';
import { type ModelSpec, SimWorld } from './world.ts';

export interface SimulationOptions {
  readonly program: ModelProgram;
  readonly cluster: Cluster;
  readonly core?: CoreOptions;
  /** Tasks that may be submitted and not have ended. Default: 1,000,000. */
  readonly window?: number;
  /** The agent takes in what has happened every so many milliseconds. Default 0: whenever something has. */
  readonly batchMs?: number;
  /** Checks the core after every step: slow. */
  readonly check?: boolean;
  /** Called now and then. */
  readonly onProgress?: (submitted: number, ended: number) => void;
}

const SCOPE = 0 as ScopeId;
const NONE_RETURNED: readonly Handle[] = [];
const MOST_AT_ONCE = 4096;
const STEPS_A_REPORT = 1000;

/** Runs a modelled program on a modelled cluster under the real scheduler core. Throws ERR_SIMULATION_STALLED. */
export function simulate(options: SimulationOptions): SimulationReport {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #world: SimWorld;
  readonly #steps: Iterator<ProgramStep>;
  readonly #bound: Bound;
  readonly #everyNode: SimNode[] = [];
  #submitted = 0;
  #isSubmitting = true;
  #hasEnded = false;
  #makespan = 0;
  #count = { steps: 0, events: 0, effects: 0, launches: 0, coreMs: 0 };

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#world = new SimWorld(createCore({ historySize: 0, ...options.core }));
    this.#steps = options.program.steps()[Symbol.iterator]();
    this.#bound = new Bound(options.program.elements, options.cluster);
  }

  run(): SimulationReport {
    const started = performance.now();
    const before = process.threadCpuUsage();
    this.#open();
    this.#submit();
    while (!this.#hasEnded) this.#advance();
    const used = process.threadCpuUsage(before);
    return this.#report(performance.now() - started, (used.user + used.system) / 1000);
  }

  // ---------------------------------------------------------------------------------------- time

  #advance(): void {
    const world = this.#world;
    if (world.events.length === 0) {
      if (world.next === Number.POSITIVE_INFINITY) throw this.#stalled();
      world.runUntil(world.next + (this.#options.batchMs ?? 0));
    }
    this.#step();
    if (this.#isSubmitting) this.#submit();
  }

  #step(): void {
    const world = this.#world;
    const { events } = world;
    if (events.length === 0) return;
    world.events = [];
    const started = performance.now();
    const effects = world.core.step(world.at, events);
    const count = this.#count;
    count.coreMs += performance.now() - started;
    count.steps += 1;
    count.events += events.length;
    count.effects += effects.length;
    for (const effect of effects) this.#perform(effect);
    if (this.#options.check === true) world.core.checkInvariants();
    if (count.steps % STEPS_A_REPORT === 0) this.#options.onProgress?.(this.#submitted, this.#ended());
  }

  #ended(): number {
    const { completed, failed, cancelled, recomputed } = this.#world.core.stats();
    return Math.min(this.#submitted, completed + failed + cancelled - recomputed);
  }

  #stalled(): RuntimeError {
    const { core } = this.#world;
    const { tasks } = core.graph(SCOPE);
    const waits = tasks.find((task) => task.status === 'ready') ?? tasks.find((task) => task.status === 'blocked');
    const reason = waits === undefined ? 'nothing is to come' : core.explain(waits.id).summary;
    return new RuntimeError('ERR_SIMULATION_STALLED', { ended: this.#ended(), submitted: this.#submitted, reason });
  }

  // ---------------------------------------------------------------------------------------- the program

  #open(): void {
    const { events } = this.#world;
    const { program, cluster } = this.#options;
    program.elements.forEach(({ name, cpus }, core) => {
      const constraints = { processors: [{ type: 'CPU' as const, units: cpus }] };
      const implementations = [{ language: 'JS' as const, module: 'model', method: name, constraints }];
      events.push({ type: 'core-registered', core: core as CoreId, element: { signature: name, implementations } });
    });
    for (const model of cluster.nodes) this.#join(model);
    for (const fault of cluster.faults) this.#plan(fault);
    events.push({ type: 'scope-opened', scope: SCOPE, name: program.name });
  }

  /** As much as the window allows, in batches. */
  #submit(): void {
    const window = this.#options.window ?? 1_000_000;
    while (this.#isSubmitting) {
      const room = Math.min(MOST_AT_ONCE, window - this.#world.core.stats().liveTasks);
      if (room <= 0) return;
      for (let taken = 0; taken < room && this.#isSubmitting; taken++) this.#take();
      this.#step();
    }
  }

  #take(): void {
    const { events } = this.#world;
    const { done, value } = this.#steps.next();
    if (done === true) {
      this.#isSubmitting = false;
      events.push({ type: 'scope-closed', scope: SCOPE });
    } else if ('release' in value) {
      this.#bound.release(value.release);
      events.push({ type: 'handle-released', scope: SCOPE, handle: value.release as Handle });
    } else {
      events.push(this.#submission(value.task));
    }
  }

  #submission(task: ModelTask): SchedulerEvent {
    const seq = this.#submitted++;
    this.#bound.add(task);
    const core = task.element as CoreId;
    const spec: ModelSpec = { scope: SCOPE, seq, core, accesses: task.accesses, returns: NONE_RETURNED, model: task };
    return { type: 'task-submitted', task: spec };
  }

  // ---------------------------------------------------------------------------------------- the cluster

  #join(model: NodeModel): void {
    const world = this.#world;
    const id = this.#everyNode.length as ResourceId;
    const node = new SimNode(id, model);
    this.#everyNode.push(node);
    world.nodes.set(id, node);
    const { name, slots, pricePerHour, idlePowerWatts } = model;
    const description = {
      name,
      scheme: 'model',
      processors: [{ name: 'MainProcessor', type: 'CPU', units: slots }],
      ...(pricePerHour === undefined ? {} : { pricePerHour }),
      ...(idlePowerWatts === undefined ? {} : { idlePowerWatts }),
    } as const;
    world.events.push({ type: 'resource-joined', resource: id, description, self: id === 0 });
  }

  #plan({ node: index, atMs, detectedAfterMs, backAfterMs }: NodeFault): void {
    const world = this.#world;
    const node = this.#everyNode[index]!;
    world.in(atMs, { happen: () => kill(world, node) });
    const found = (): void => {
      world.nodes.delete(node.id);
      world.events.push({ type: 'resource-lost', resource: node.id, reason: 'the model killed it' });
    };
    world.in(atMs + detectedAfterMs, { happen: found });
    if (backAfterMs === undefined) return;
    world.in(atMs + detectedAfterMs + backAfterMs, { happen: () => this.#join(node.model) });
  }

  #perform(effect: SchedulerEffect): void {
    const world = this.#world;
    switch (effect.type) {
      case 'launch':
        this.#count.launches += 1;
        launch(world, this.#nodeOf(effect.resource), effect);
        break;
      case 'cancel':
        cancel(world, this.#nodeOf(effect.resource), effect);
        break;
      case 'recall':
        recall(world, this.#nodeOf(effect.resource), effect);
        break;
      case 'free':
        this.#nodeOf(effect.resource).drop(effect.version);
        break;
      case 'transfer':
        transfer(world, this.#nodeOf(effect.to), effect);
        break;
      case 'cancel-transfer':
        cancelTransfer(this.#nodeOf(effect.to), effect);
        break;
      case 'scope-ended':
        this.#hasEnded = true;
        this.#makespan = world.now;
        break;
      default:
        break;
    }
  }

  #nodeOf(id: ResourceId): SimNode {
    return this.#everyNode[id]!;
  }

  // ---------------------------------------------------------------------------------------- the end

  #report(wallMs: number, cpuMs: number): SimulationReport {
    const { program, cluster, core: options } = this.#options;
    const { core, network, attempts } = this.#world;
    const stats = core.stats();
    const slots = cluster.nodes.reduce((sum, node) => sum + node.slots, 0);
    const busy = this.#everyNode.reduce((sum, node) => sum + node.busy, 0);
    const { steps, events, effects, launches, coreMs } = this.#count;
    return {
      program: program.name,
      policy: options?.policy ?? 'locality',
      tasks: this.#submitted,
      nodes: cluster.nodes.length,
      slots,
      makespanMs: this.#makespan,
      boundMs: this.#bound.ms,
      criticalPathMs: this.#bound.criticalPathMs,
      utilisation: this.#makespan === 0 ? 0 : busy / (slots * this.#makespan),
      bytesMoved: network.bytesMoved,
      transfers: network.transfers,
      completed: this.#submitted - stats.failed - stats.cancelled,
      failed: stats.failed,
      rerun: stats.rerun,
      recomputed: stats.recomputed,
      attempts,
      steps,
      events,
      effects,
      coreMs,
      wallMs,
      cpuMs,
      eventsPerSecond: (1000 * events) / cpuMs,
      decisionsPerSecond: (1000 * launches) / coreMs,
    };
  }
}
