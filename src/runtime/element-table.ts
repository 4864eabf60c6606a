import type { CoreElement, Implementation } from './model/core-element.ts';
import type { CoreId } from './model/ids.ts';

/** Core elements by their number in this agent. */
export class ElementTable {
  readonly #elements: CoreElement[] = [];
  readonly #ids = new Map<string, CoreId>();
  readonly #changed: (core: CoreId, element: CoreElement) => void;

  /** `changed`: an element is new, or has more implementations. */
  constructor(changed: (core: CoreId, element: CoreElement) => void) {
    this.#changed = changed;
  }

  /** Idempotent by signature. Implementations are added when the signature is known. */
  register(element: CoreElement): CoreId {
    const known = this.#ids.get(element.signature);
    if (known === undefined) {
      const core = this.#elements.length as CoreId;
      this.#elements.push(element);
      this.#ids.set(element.signature, core);
      this.#changed(core, element);
      return core;
    }
    const merged = mergeImplementations(this.get(known), element);
    if (merged !== undefined) {
      this.#elements[known] = merged;
      this.#changed(known, merged);
    }
    return known;
  }

  get(core: CoreId): CoreElement {
    return this.#elements[core]!;
  }
}

/** The known element with implementations of `found` that it lacks; undefined when there are none. */
function mergeImplementations(known: CoreElement, found: CoreElement): CoreElement | undefined {
  if (known.implementations === found.implementations) return undefined;
  const added = found.implementations.filter(
    (one) => !known.implementations.some((other) => sameImplementation(one, other)),
  );
  return added.length === 0 ? undefined : { ...known, implementations: [...known.implementations, ...added] };
}

const sameImplementation = (a: Implementation, b: Implementation): boolean =>
  a.language === b.language && a.module === b.module && a.method === b.method;
