/** What a former attempt of a parent has completed at one submission index (architecture: Replay). */
export interface ReplayEntry {
  readonly signature: string;
  /** 64-bit hash of literal arguments and input version keys, as hexadecimal digits. */
  readonly digest: string;
  /** Version rows of its outputs, kept while the parent can be tried again. */
  readonly outputs: readonly number[];
}
