/** Bounds on what a descriptor may make this process do. */
export interface DescriptorLimits {
  readonly maxBytes: number;
  /** Values in all documents together, every expansion of an alias counted: what refuses exploding anchors. */
  readonly maxNodes: number;
  readonly maxDepth: number;
  readonly maxDocuments: number;
  readonly maxComponents: number;
  readonly maxManifests: number;
}

/** Parsing takes about one second per MiB, so half a MiB holds the event loop for half a second at worst. */
export const DEFAULT_LIMITS: DescriptorLimits = {
  maxBytes: 512 * 1024,
  maxNodes: 50_000,
  maxDepth: 64,
  maxDocuments: 512,
  maxComponents: 256,
  maxManifests: 512,
};
