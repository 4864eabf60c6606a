import type { Handle, VersionId } from '../../../src/runtime/model/ids.ts';
import type { InvocationOutcome, OutputReport } from '../../../src/runtime/model/outcome.ts';
import { type Content, delegatedChild, effectOf, returned } from './content.ts';
import { ModelNodes } from './nodes.ts';
import type { Attempt, ModelNode } from './state.ts';

/** What becomes of attempts, and of copies of data. */
export abstract class ModelAttempts extends ModelNodes {
  running(): Attempt[] {
    return this.nodes.flatMap((node) =>
      node.alive ? node.attempts.filter((one) => one.state === 'running' || one.state === 'suspended') : [],
    );
  }

  /** `early`: also a parent whose children have not ended: the core has to wait for them. */
  finish(pick: number, how: InvocationOutcome['status'], early = false): void {
    const running = this.running().filter(
      (one) => one.state === 'running' && (early || how === 'failed' || how === 'lost' || one.child?.ended !== false),
    );
    const attempt = running[pick % Math.max(1, running.length)];
    if (attempt !== undefined) this.finishAs(attempt, how);
  }

  protected finishAs(attempt: Attempt, how: InvocationOutcome['status']): void {
    switch (how) {
      case 'completed':
        this.complete(attempt, undefined);
        break;
      case 'exception':
        this.complete(attempt, { code: 'ERR_TASK_EXCEPTION', message: 'enough' });
        break;
      case 'failed':
        if (attempt.task.program.onFailure === 'IGNORE') attempt.task.outcome = 'ignored';
        this.endAttempt(attempt, { status: 'failed', error: { code: 'ERR_TASK_FAILED', message: 'no' } });
        // It counted as something else, and the task is tried again.
        if (attempt.task.settled === 0 && attempt.task.program.more?.isReplicated !== true)
          attempt.task.outcome = undefined;
        break;
      default:
        this.endAttempt(attempt, { status: 'lost', reason: 'its process died' });
    }
  }

  protected complete(attempt: Attempt, error: { code: string; message: string } | undefined): void {
    const { task, launch, node } = attempt;
    const reports: OutputReport[] = [];
    let output = 0;
    task.program.accesses.forEach(({ direction }, position) => {
      if (direction === 'IN' || direction === 'IN_DELETE') return;
      const version = launch.outputs[output++]!;
      const open = direction === 'CONCURRENT' ? node.open.get(version) : undefined;
      const content = effectOf(task, direction, open?.content ?? attempt.inputs[position]!, true);
      if (open !== undefined) open.content = content;
      reports.push(this.seal(node, version, content, open !== undefined ? false : task.seq % 3 === 0));
    });
    const at = delegatedChild(task.program);
    const delegated = at < 0 ? -1 : task.program.children![at]!.returns![0]!;
    (task.program.returns ?? []).forEach((_, index) => {
      const version = launch.outputs[output++]!;
      if (index === 0 && delegated >= 0) reports.push({ bytes: 0, inline: false, delegatedTo: delegated as Handle });
      else reports.push(this.seal(node, version, returned(task), task.seq % 3 === 0));
    });
    this.endAttempt(
      attempt,
      error === undefined
        ? { status: 'completed', outputs: reports, ranMs: task.number % 7 }
        : { status: 'exception', outputs: reports, error },
    );
  }

  protected seal(node: ModelNode, version: VersionId, content: Content, inline: boolean): OutputReport {
    const self = this.nodes.find((one) => one.self);
    const holder = inline && self?.alive === true ? self : node;
    if (holder !== node) this.freeFirst(holder, version);
    holder.store.set(version, content);
    return { bytes: 8, inline: holder !== node };
  }

  /** What was ordered before a value came with its report is done before it is stored. */
  protected freeFirst(node: ModelNode, version: VersionId): void {
    const at = node.inbox.findIndex((order) => order.type === 'free' && order.version === version);
    if (at < 0) return;
    node.inbox.splice(at, 1);
    node.store.delete(version);
  }

  protected endAttempt(attempt: Attempt, outcome: InvocationOutcome): void {
    const { node } = attempt;
    if (attempt.state !== 'waiting') this.closeInstances(attempt);
    attempt.state = 'over';
    node.attempts.splice(node.attempts.indexOf(attempt), 1);
    if (attempt.child !== undefined) attempt.child.closed = true;
    this.step({ type: 'invocation-settled', invocation: attempt.launch.invocation, outcome });
    if (node.alive) this.startWhatFits(node);
  }

  protected closeInstances(attempt: Attempt): void {
    this.eachInstance(attempt, (version) => {
      const open = attempt.node.open.get(version);
      if (open !== undefined && --open.users === 0) attempt.node.open.delete(version);
    });
  }

  suspend(pick: number): void {
    const running = this.running().filter((one) => one.state === 'running');
    const attempt = running[pick % Math.max(1, running.length)];
    if (attempt === undefined) return;
    attempt.state = 'suspended';
    this.step({ type: 'invocation-suspended', invocation: attempt.launch.invocation });
    if (attempt.node.alive) this.startWhatFits(attempt.node);
  }

  resume(pick: number): void {
    const suspended = this.running().filter((one) => one.state === 'suspended');
    const attempt = suspended[pick % Math.max(1, suspended.length)];
    if (attempt !== undefined) this.goOn(attempt);
  }

  protected goOn(attempt: Attempt): void {
    const { invocation } = attempt.launch;
    if (attempt.node.self || attempt.task.number % 2 === 0) {
      attempt.state = 'resuming';
      this.step({ type: 'invocation-resume-requested', invocation });
    } else {
      attempt.state = 'running';
      this.step({ type: 'invocation-resumed', invocation });
    }
  }

  /** The code of a parent has ended: its children are waited for. */
  closeChild(pick: number): void {
    const open = this.running().filter((one) => one.child !== undefined && !one.child.closed);
    const child = open[pick % Math.max(1, open.length)]?.child;
    if (child !== undefined) this.close(child);
  }

  transfer(pick: number, succeeds: boolean): void {
    const order = this.transfers[pick % Math.max(1, this.transfers.length)];
    if (order === undefined) return;
    this.transfers.splice(this.transfers.indexOf(order), 1);
    const node = this.node(order.to);
    const content = this.source(order.version);
    if (!succeeds || content === undefined) {
      this.step({ type: 'transfer-failed', version: order.version, to: order.to, reason: 'cut' });
      return;
    }
    this.freeFirst(node, order.version);
    node.store.set(order.version, content);
    this.step({ type: 'replica-added', version: order.version, resource: order.to, bytes: 8 });
  }

  loseReplica(pick: number): void {
    const held = this.nodes.flatMap((node) =>
      [...node.store.keys()]
        .filter((version) => this.core.holders(version).includes(node.id))
        .map((version) => ({ node, version })),
    );
    const one = held[pick % Math.max(1, held.length)];
    if (
      one === undefined ||
      one.node.self ||
      one.node.inbox.some((order) => 'version' in order && order.version === one.version)
    )
      return;
    one.node.store.delete(one.version);
    this.step({ type: 'replica-lost', version: one.version, resource: one.node.id });
  }
}
