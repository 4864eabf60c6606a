import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { percentile } from './report.ts';

export interface Load {
  readonly url: string;
  /** The same for all, or by the number of the request. */
  readonly body: string | ((index: number) => string);
  readonly contentType: string;
}

export interface Latencies {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const CONNECTIONS = 64;

/** Sends requests over kept connections and times them. */
export class HttpLoad implements AsyncDisposable {
  readonly #agent = new Agent({ connections: CONNECTIONS });
  /** Goes on from run to run, so that numbered requests go round all their numbers. */
  #sent = 0;

  /** As many as go with so many under way. */
  async closed(load: Load, count: number, inFlight: number): Promise<Latencies> {
    const took: number[] = [];
    let left = count;
    const started = performance.now();
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        took.push(await this.#once(load, left));
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return summary(took, performance.now() - started);
  }

  /** So many per second, whether or not the answers keep up: a request counts from when it was due. */
  async open(load: Load, perSecond: number, seconds: number): Promise<Latencies> {
    const took: Promise<number>[] = [];
    const started = performance.now();
    const total = perSecond * seconds;
    while (took.length < total) {
      const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * perSecond));
      while (took.length < due) {
        took.push(this.#once(load, this.#sent, started + (took.length / perSecond) * 1000));
        this.#sent += 1;
      }
      await wait(1);
    }
    return summary(await Promise.all(took), performance.now() - started);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #once(load: Load, index: number, due = performance.now()): Promise<number> {
    const { statusCode, body } = await request(load.url, {
      method: 'POST',
      dispatcher: this.#agent,
      headers: { 'content-type': load.contentType },
      body: typeof load.body === 'string' ? load.body : load.body(index),
    });
    const text = await body.text();
    if (statusCode >= 300) throw new Error(`${load.url}: ${statusCode} ${text.slice(0, 200)}`);
    return performance.now() - due;
  }
}

const summary = (took: readonly number[], ms: number): Latencies => ({
  perSecond: (took.length / ms) * 1000,
  p50: percentile(took, 0.5),
  p99: percentile(took, 0.99),
});
