/** Calls to others that must arrive: tried again with growing pauses, and kept on disk where there is a place for them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Logger } from '../common/logger.ts';

export interface Delivery {
  /** One delivery of an id at a time: a second one replaces what has not gone out. */
  readonly id: string;
  readonly url: string;
  readonly body: string;
  /** XML when absent. */
  readonly format?: 'json';
}

export interface OutboxOptions {
  readonly logger: Logger;
  /** Sends once. Resolves with the HTTP status; rejects when there was no answer. */
  readonly send: (delivery: Delivery, signal: AbortSignal) => Promise<number>;
  readonly firstRetryMs: number;
  readonly lastRetryMs: number;
  /** After so long a delivery is given up. */
  readonly giveUpMs: number;
  /** Where deliveries outlive the process. */
  readonly directory?: string;
}

const storedDelivery = z.object({
  id: z.string(),
  url: z.string(),
  body: z.string(),
  format: z.literal('json').exactOptional(),
});

export class Outbox implements AsyncDisposable {
  readonly #options: OutboxOptions;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: OutboxOptions) {
    this.#options = options;
    if (options.directory !== undefined) this.#restore(options.directory);
  }

  get pending(): number {
    return this.#running.size;
  }

  /** `done`: it has arrived, or it was given up. */
  post(delivery: Delivery, done?: () => void): void {
    this.#keep(delivery);
    const run = this.#deliver(delivery).finally(() => {
      this.#running.delete(run);
      done?.();
    });
    this.#running.add(run);
  }

  /** Resolves when nothing is under way; false when that took longer than `ms`. */
  async settle(ms: number): Promise<boolean> {
    const timer = Promise.withResolvers<void>();
    const handle = setTimeout(timer.resolve, ms);
    const all = async (): Promise<void> => {
      while (this.#running.size > 0) await Promise.all(this.#running);
    };
    await Promise.race([all(), timer.promise]);
    clearTimeout(handle);
    return this.#running.size === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { logger, firstRetryMs, lastRetryMs, giveUpMs } = this.#options;
    const started = performance.now();
    for (let pause = firstRetryMs; !this.#stop.signal.aborted; pause = Math.min(lastRetryMs, pause * 2)) {
      const result = await this.#attempt(delivery);
      if (result === 'done') return this.#forget(delivery);
      const late = performance.now() - started > giveUpMs;
      const fields = { id: delivery.id, url: delivery.url, reason: result.reason };
      if (result.final || late) {
        logger.warn(fields, 'a notification was given up');
        return this.#forget(delivery);
      }
      logger.info(fields, 'a notification will be tried again');
      await sleep(pause, this.#stop.signal);
    }
  }

  /** A receiver that refuses the content (4xx) will not change its mind; 404 may come before it knows of the call. */
  async #attempt(delivery: Delivery): Promise<'done' | { readonly reason: string; readonly final: boolean }> {
    try {
      const status = await this.#options.send(delivery, this.#stop.signal);
      if (status < 300) return 'done';
      const final = status >= 400 && status < 500 && ![404, 408, 429].includes(status);
      return { reason: `HTTP ${status}`, final };
    } catch (error) {
      return { reason: error instanceof Error ? error.message : String(error), final: false };
    }
  }

  #keep(delivery: Delivery): void {
    const { directory } = this.#options;
    if (directory !== undefined) writeFileSync(fileOf(directory, delivery.id), JSON.stringify(delivery));
  }

  #forget(delivery: Delivery): void {
    const { directory } = this.#options;
    if (directory !== undefined) rmSync(fileOf(directory, delivery.id), { force: true });
  }

  /** What an earlier process could not deliver. */
  #restore(directory: string): void {
    mkdirSync(directory, { recursive: true });
    for (const name of readdirSync(directory)) {
      try {
        this.post(storedDelivery.parse(JSON.parse(readFileSync(join(directory, name), 'utf8'))));
      } catch (error) {
        this.#options.logger.warn({ file: name, error: String(error) }, 'a kept notification cannot be read');
      }
    }
  }
}

const fileOf = (directory: string, id: string): string => join(directory, `${encodeURIComponent(id)}.json`);

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, ms);
    function finish(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    }
    signal.addEventListener('abort', finish);
    if (signal.aborted) finish();
  });
}
