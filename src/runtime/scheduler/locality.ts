import { NONE } from '../model/ids.ts';
import type { CoreState } from './state.ts';

/** Score of each read datum that a resource holds, times the weight of the access (spec 5.2). */
const HELD = 100;
/** A datum with more holders than this is everywhere: it does not tell resources apart. */
const HOLDERS_LOOKED_AT = 8;
const CANDIDATES = 32;

/** Resources that hold data of one task, with what they hold. Reused: valid until the next `collect`. */
export class HeldData {
  count = 0;
  readonly resource = new Int32Array(CANDIDATES);
  readonly score = new Float64Array(CANDIDATES);
  readonly bytes = new Float64Array(CANDIDATES);

  collect(state: CoreState, task: number): void {
    this.count = 0;
    const { tasks, registry } = state;
    const inputs = tasks.inputs[task]!;
    if (inputs === 0) return;
    const { accesses } = tasks.spec[task]!;
    for (let position = 0; position < inputs; position++) {
      const version = tasks.input(task, position);
      if (version !== NONE) this.#add(state, registry.resolve(version), accesses[position]!.weight ?? 1);
    }
  }

  #add(state: CoreState, version: number, weight: number): void {
    const { versions, holderLinks } = state.registry;
    const first = versions.holder[version]!;
    if (first === NONE) return;
    const bytes = versions.bytes[version]!;
    this.#credit(first, HELD * weight, bytes);
    let looked = 1;
    for (let node = versions.moreHolders[version]!; node !== NONE; node = holderLinks.next[node]!) {
      if (++looked > HOLDERS_LOOKED_AT) return;
      this.#credit(holderLinks.value[node]!, HELD * weight, bytes);
    }
  }

  #credit(resource: number, score: number, bytes: number): void {
    for (let index = 0; index < this.count; index++) {
      if (this.resource[index] !== resource) continue;
      this.score[index]! += score;
      this.bytes[index]! += bytes;
      return;
    }
    if (this.count === CANDIDATES) return;
    this.resource[this.count] = resource;
    this.score[this.count] = score;
    this.bytes[this.count] = bytes;
    this.count += 1;
  }

  scoreOf(resource: number): number {
    for (let index = 0; index < this.count; index++) if (this.resource[index] === resource) return this.score[index]!;
    return 0;
  }

  bytesOf(resource: number): number {
    for (let index = 0; index < this.count; index++) if (this.resource[index] === resource) return this.bytes[index]!;
    return 0;
  }
}
