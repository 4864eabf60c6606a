import { Random } from '../../src/simulator/index.ts';

interface Node {
  readonly id: number;
  missing: number;
  isDone: boolean;
  readonly readers: Node[];
}

/** The plainest dependency graph: an object for each task, found by a Map, and a queue of those that are ready. */
export class ObjectGraph {
  readonly nodes = new Map<number, Node>();
  readonly #ready: Node[] = [];
  readonly #random = new Random(1);

  /** As `InstantNodes.submit`: two inputs of a thousand tasks before. */
  submit(tasks: number): void {
    for (let id = 0; id < tasks; id++) {
      const node: Node = { id, missing: 0, isDone: false, readers: [] };
      for (let input = 0; input < Math.min(2, id); input++) {
        const from = this.nodes.get(id - 1 - this.#random.below(Math.min(id, 1000)));
        if (from === undefined || from.isDone) continue;
        from.readers.push(node);
        node.missing += 1;
      }
      this.nodes.set(id, node);
      if (node.missing === 0) this.#ready.push(node);
    }
  }

  /** `place` is called for each task when it starts. */
  run(place?: () => void): void {
    for (let index = 0; index < this.#ready.length; index++) {
      const node = this.#ready[index]!;
      place?.();
      node.isDone = true;
      this.nodes.delete(node.id);
      for (const reader of node.readers) if (--reader.missing === 0) this.#ready.push(reader);
    }
    if (this.nodes.size > 0) throw new Error('not all tasks have ended');
  }
}
