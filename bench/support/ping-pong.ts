import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { median } from './report.ts';

/** The bare hop: one small message to a thread and back, nothing else. */
export class PingPong implements AsyncDisposable {
  readonly #worker = new Worker(join(import.meta.dirname, '..', 'programs', 'echo-thread.ts'));

  /** Median milliseconds there and back. */
  measure(count: number): Promise<number> {
    const worker = this.#worker;
    const took: number[] = [];
    return new Promise((resolve) => {
      let started = performance.now();
      const onAnswer = (): void => {
        const now = performance.now();
        took.push(now - started);
        if (took.length === count) {
          worker.off('message', onAnswer);
          resolve(median(took));
          return;
        }
        started = performance.now();
        worker.postMessage(took.length);
      };
      worker.on('message', onAnswer);
      worker.postMessage(0);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
