import type { Direction } from '../../../src/runtime/model/access.ts';
import { type InvocationId, NONE, type ResourceId, type VersionId } from '../../../src/runtime/model/ids.ts';
import type { InvocationOutcome } from '../../../src/runtime/model/outcome.ts';
import type { ResourceDescription } from '../../../src/runtime/model/resource.ts';
import { type Content, EMPTY, SPOILT } from './content.ts';
import type { Attempt, Effect, ModelNode } from './state.ts';
import { ModelSubmitters } from './submitters.ts';

/** Nodes and the links between them. They carry out orders in the order in which they come, whenever they are told to. */
export abstract class ModelNodes extends ModelSubmitters {
  join(description: ResourceDescription): ModelNode {
    const id = this.resourceCount++ as ResourceId;
    const node: ModelNode = {
      id,
      self: id === 0,
      description,
      store: new Map(),
      open: new Map(),
      inbox: [],
      attempts: [],
      alive: true,
    };
    this.nodes.push(node);
    this.step({ type: 'resource-joined', resource: id, description, self: node.self });
    return node;
  }

  lose(node: ModelNode): void {
    if (!node.alive || node.self) return;
    node.alive = false;
    for (const attempt of node.attempts) this.kill(attempt);
    node.attempts.length = 0;
    node.inbox.length = 0;
    node.store.clear();
    const gone = this.transfers.filter((one) => one.to === node.id);
    for (const one of gone) this.transfers.splice(this.transfers.indexOf(one), 1);
    this.step({ type: 'resource-lost', resource: node.id, reason: 'killed' });
  }

  protected kill(attempt: Attempt): void {
    attempt.state = 'over';
    this.late.push(attempt.launch.invocation);
    if (attempt.child !== undefined) attempt.child.closed = true;
  }

  /** A message of an attempt that nobody waits for any more. */
  lateMessage(pick: number): void {
    const invocation = this.late[pick % Math.max(1, this.late.length)];
    if (invocation === undefined) return;
    this.step({ type: 'invocation-started', invocation });
    this.step({ type: 'invocation-settled', invocation, outcome: { status: 'completed', outputs: [] } });
  }

  /** Carries out one order. */
  deliver(node: ModelNode): void {
    const order = node.inbox.shift();
    if (order === undefined || !node.alive) return;
    switch (order.type) {
      case 'launch':
        node.attempts.push(this.attempts.get(order.invocation)!);
        this.startWhatFits(node);
        break;
      case 'free':
        this.free(node, order);
        break;
      case 'cancel':
        this.withAttempt(node, order.invocation, (attempt) => this.endAttempt(attempt, { status: 'cancelled' }));
        break;
      case 'recall':
        this.withAttempt(node, order.invocation, (attempt) => {
          if (attempt.state === 'waiting') this.endAttempt(attempt, { status: 'recalled' });
        });
        break;
      case 'resume':
        this.withAttempt(node, order.invocation, (attempt) => {
          if (attempt.state === 'resuming') attempt.state = 'running';
        });
        break;
      default:
        break;
    }
  }

  protected withAttempt(node: ModelNode, id: InvocationId, then: (attempt: Attempt) => void): void {
    const attempt = node.attempts.find((one) => one.launch.invocation === id);
    if (attempt !== undefined) then(attempt);
  }

  protected deliverAll(node: ModelNode): void {
    while (node.inbox.length > 0 && node.alive) this.deliver(node);
  }

  protected free(node: ModelNode, { version }: Effect<'free'>): void {
    const isHeld = node.store.delete(version);
    // The shell forgets where it had it from, too.
    const unheld = node.self && this.durable.delete(version);
    if (!isHeld && !unheld)
      throw new Error(`${node.description.name} is told to free ${version}, which it does not hold`);
  }

  /** Units in use; over capacity when a peer took its own back. */
  protected used(node: ModelNode): number {
    return node.attempts.reduce((sum, one) => sum + (one.state === 'running' ? one.launch.booking.cpus : 0), 0);
  }

  /** In the order in which they were sent, whenever the units of the first one are free. */
  protected startWhatFits(node: ModelNode): void {
    for (;;) {
      const next = node.attempts.find((one) => one.state === 'waiting');
      if (next === undefined || !node.alive) return;
      const cpus = node.description.processors.reduce((sum, one) => sum + (one.type === 'CPU' ? one.units : 0), 0);
      if (this.used(node) + next.launch.booking.cpus > cpus && !this.wasPromised(node, next)) return;
      this.start(next);
    }
  }

  /** A node that was shrunk below what it was sent runs that all the same, one at a time. */
  protected wasPromised(node: ModelNode, next: Attempt): boolean {
    return this.used(node) === 0 && next.state === 'waiting';
  }

  protected start(attempt: Attempt): void {
    const { node, launch, task } = attempt;
    attempt.inputs = [];
    for (const [position, version] of launch.inputs.entries()) {
      if (version === NONE) {
        attempt.inputs.push(EMPTY);
        continue;
      }
      const content = this.bring(node, version, launch.outputs.includes(version));
      if (content === undefined) {
        this.step({ type: 'transfer-failed', version, to: node.id, reason: 'no source' });
        if (attempt.state !== 'over') this.endAttempt(attempt, { status: 'lost', reason: 'no input' });
        return;
      }
      const access = task.program.accesses[position];
      this.checkInput(attempt, position, content, access?.direction ?? 'IN');
      attempt.inputs.push(content);
    }
    if (attempt.state === 'over') return;
    attempt.state = 'running';
    this.openInstances(attempt);
    if (!launch.preserveInputs) this.spoil(attempt);
    this.step({ type: 'invocation-started', invocation: launch.invocation });
    if (task.program.children !== undefined && node.alive) this.nest(attempt, task.program.children);
  }

  protected checkInput({ task, launch }: Attempt, position: number, content: Content, direction: Direction): void {
    if (content === SPOILT) throw new Error(`task ${task.seq} reads ${launch.inputs[position]}, which is spoilt`);
    if (direction === 'CONCURRENT' || direction === 'COMMUTATIVE') return;
    const expected = this.expected(task, task.program.accesses[position]!.handle);
    if (content !== expected) {
      throw new Error(`task ${task.seq} of scope ${task.scope.id} reads ${content} at ${position}, not ${expected}`);
    }
  }

  /** From its own store, an open instance, another node, or where durable data come from. */
  protected bring(node: ModelNode, version: VersionId, isInstance: boolean): Content | undefined {
    const open = isInstance ? node.open.get(version) : undefined;
    if (open !== undefined) return open.content;
    const here = node.store.get(version);
    if (here !== undefined) return here;
    if (this.core.isEmpty(version)) return EMPTY;
    const content = this.source(version);
    if (content === undefined) return undefined;
    node.store.set(version, content);
    this.step({ type: 'replica-added', version, resource: node.id, bytes: 8 });
    return content;
  }

  /** From a holder that the core names, or from where durable data come from. */
  protected source(version: VersionId): Content | undefined {
    const holders = this.core.holders(version);
    const holder = this.nodes.find((one) => one.alive && holders.includes(one.id) && one.store.has(version));
    return holder?.store.get(version) ?? this.durable.get(version);
  }

  protected spoil({ node, launch, task }: Attempt): void {
    task.program.accesses.forEach(({ direction }, position) => {
      const version = launch.inputs[position]!;
      if (direction === 'INOUT' && node.store.has(version)) node.store.set(version, SPOILT);
    });
  }

  protected openInstances(attempt: Attempt): void {
    this.eachInstance(attempt, (version, position) => {
      const open = attempt.node.open.get(version);
      if (open === undefined) attempt.node.open.set(version, { content: attempt.inputs[position]!, users: 1 });
      else open.users += 1;
    });
  }

  protected eachInstance(attempt: Attempt, visit: (version: VersionId, position: number) => void): void {
    let output = 0;
    attempt.task.program.accesses.forEach(({ direction, handle }, position) => {
      if (direction === 'IN' || direction === 'IN_DELETE') return;
      const version = attempt.launch.outputs[output++]!;
      const once = attempt.task.program.accesses.filter((one) => one.handle === handle).length === 1;
      if (direction === 'CONCURRENT' && once) visit(version, position);
    });
  }

  protected abstract endAttempt(attempt: Attempt, outcome: InvocationOutcome): void;
}
