import { z } from 'zod';
import { isRefused, type RestClient, reasonOf } from './rest-client.ts';

export interface WatchOptions {
  readonly client: RestClient;
  /** Where the agent says that it is there. */
  readonly path: string;
  /** Known incarnation: another one means that all calls are forgotten. */
  readonly incarnation: string | undefined;
  readonly intervalMs: number;
  /** Silence after which the agent counts as lost. */
  readonly deadlineMs: number;
  readonly lost: (reason: string) => void;
}

const health = z.object({ incarnation: z.string().optional() });

/** COMPSs's agents send no heartbeats: asks an agent again and again, until it does not answer any more. */
export class PeerWatch {
  readonly #options: WatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #lastAnswer = performance.now();
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#next();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** A call has met a closed port: look at once. */
  hurry(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    void this.#ask();
  }

  #next(): void {
    if (!this.#closed) this.#timer = setTimeout(() => void this.#ask(), this.#options.intervalMs);
  }

  async #ask(): Promise<void> {
    const { client, path, deadlineMs, incarnation } = this.#options;
    try {
      const { text } = await client.send('GET', path, undefined, deadlineMs);
      this.#lastAnswer = performance.now();
      const found = incarnation === undefined ? undefined : incarnationIn(text);
      if (found !== undefined && found !== incarnation) return this.#lose('it was started anew');
    } catch (error) {
      const silent = performance.now() - this.#lastAnswer;
      if (isRefused(error)) return this.#lose('nothing listens at its port any more');
      if (silent >= deadlineMs) return this.#lose(`no answer for ${Math.round(silent)} ms: ${reasonOf(error)}`);
    }
    this.#next();
  }

  #lose(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#options.lost(reason);
  }
}

function incarnationIn(text: string): string | undefined {
  try {
    return health.safeParse(JSON.parse(text)).data?.incarnation;
  } catch {
    return undefined;
  }
}
