/**
 * Failures of plain sequential code that nobody has been told of. An agent fails the application that ends with one; a
 * plain program ends with exit code 1 and says why.
 */
export class UntoldFailures {
  readonly #errors = new Set<unknown>();
  #watching = false;

  get first(): Error | undefined {
    for (const error of this.#errors) if (error instanceof Error) return error;
    return undefined;
  }

  add(error: Error): void {
    this.#errors.add(error);
    if (this.#watching) return;
    this.#watching = true;
    process.once('beforeExit', () => {
      for (const untold of this.#errors) console.error('A task has failed and nobody waited for it:', untold);
      if (this.#errors.size > 0) process.exitCode = 1;
    });
  }

  tell(error: unknown): void {
    this.#errors.delete(error);
  }

  clear(): void {
    this.#errors.clear();
  }
}
