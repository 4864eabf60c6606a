import type { Constraints } from './resource.ts';

export const LANGUAGES = ['JS', 'PYTHON', 'JAVA', 'BINARY', 'CONTAINER'] as const;
export type Language = (typeof LANGUAGES)[number];

/** One way to run a core element. */
export interface Implementation {
  readonly language: Language;
  /** JS: module path relative to the node's code path ('kmeans.ts'); PYTHON: module; JAVA: class; BINARY: program. */
  readonly module: string;
  /** Function or method; empty for BINARY. */
  readonly method: string;
  readonly constraints?: Constraints;
  /** Language-specific settings (BINARY: args template, std streams; CONTAINER: engine, image). Plain data. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Watts and price per execution, for energy- and cost-aware placement (profile JSON, spec 3.8). */
  readonly power?: number;
  readonly price?: number;
}

/** What is called. The signature is its identity: `module#method(arity or types)`. */
export interface CoreElement {
  readonly signature: string;
  readonly implementations: readonly Implementation[];
}
