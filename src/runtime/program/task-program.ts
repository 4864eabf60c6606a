/** The programming model over one scope. */
export interface TaskProgram {
  abort(reason: unknown): void;
  waitOn(value: unknown): Promise<unknown>;
}
