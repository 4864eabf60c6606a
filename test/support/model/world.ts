import { ModelAttempts } from './attempts.ts';
import { aNode } from './state.ts';

/**
 * Nodes, links and submitters as a model around a core: they behave as NodeHandle and Scope promise, but in any order
 * and with faults. The model knows what every version has to contain, and what lies on which node.
 */
export class ModelWorld extends ModelAttempts {
  /** Everything goes on without faults until nothing moves. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) {
      if (!this.advance()) return;
    }
    throw new Error('the history does not end');
  }

  protected advance(): boolean {
    for (const node of this.nodes) {
      if (node.alive && node.inbox.length > 0) {
        this.deliver(node);
        return true;
      }
    }
    if (this.transfers.length > 0) {
      this.transfer(0, true);
      return true;
    }
    const running = this.running();
    const suspended = running.find((one) => one.state === 'suspended' && one.child?.ended !== false);
    if (suspended !== undefined) {
      this.goOn(suspended);
      return true;
    }
    const open = running.find((one) => one.child !== undefined && !one.child.closed);
    if (open !== undefined) {
      this.close(open.child!);
      return true;
    }
    const ready = running.find((one) => one.state === 'running' && one.child?.ended !== false);
    if (ready !== undefined) {
      this.finishAs(ready, 'completed');
      return true;
    }
    const waiting = running.find((one) => one.state === 'running');
    if (waiting !== undefined) {
      // Its children have no units to run on until it gives up its own.
      waiting.state = 'suspended';
      this.step({ type: 'invocation-suspended', invocation: waiting.launch.invocation });
      this.startWhatFits(waiting.node);
      return true;
    }
    return false;
  }

  /** Ends the application, and says what is left anywhere. */
  end(): string[] {
    this.join(
      aNode('last', 4, {
        processors: [
          { name: 'MainProcessor', type: 'CPU', units: 4 },
          { name: 'gpu', type: 'GPU', units: 2 },
        ],
      }),
    );
    this.join(aNode('last2', 4));
    this.settle();
    const left: string[] = [];
    for (const [id, wait] of this.waits) if (wait.done === 0) left.push(`wait ${id} on ${wait.target.on}`);
    this.close(this.root);
    this.settle();
    for (const scope of this.scopes.values()) {
      if (!scope.ended) left.push(`scope ${scope.id}`);
      for (const task of scope.tasks) if (task.settled !== 1) left.push(`task ${task.seq} of scope ${scope.id}`);
    }
    for (const node of this.nodes)
      if (node.store.size > 0) left.push(`${node.description.name}: ${[...node.store.keys()]}`);
    const { liveTasks, liveVersions } = this.core.stats();
    if (liveTasks + liveVersions > 0) left.push(`${liveTasks} tasks, ${liveVersions} versions`);
    return left;
  }
}
