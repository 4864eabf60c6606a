import { Agent, request } from 'undici';
import type { ApplicationEventBody } from '../../src/contracts/agent/views.ts';

/** The events of all applications of an agent; knows which have ended. */
export class EventFeed implements AsyncDisposable {
  readonly #agent: Agent;
  readonly #ended = new Map<string, string>();
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  readonly #read: Promise<void>;
  #text = '';

  private constructor(agent: Agent, body: AsyncIterable<Buffer>) {
    this.#agent = agent;
    this.#read = this.#follow(body);
  }

  static async open(url: string): Promise<EventFeed> {
    const agent = new Agent({ bodyTimeout: 0 });
    const { statusCode, body } = await request(url, { dispatcher: agent, headers: { accept: 'text/event-stream' } });
    if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`);
    return new EventFeed(agent, body);
  }

  /** Rejects when the application did not complete. */
  async endOf(application: string): Promise<void> {
    if (!this.#ended.has(application)) {
      const waiting = Promise.withResolvers<void>();
      this.#waiting.set(application, waiting);
      await waiting.promise;
    }
    const status = this.#ended.get(application);
    this.#ended.delete(application);
    if (status !== 'completed') throw new Error(`application ${application} is ${status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
    await this.#read;
  }

  async #follow(body: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const chunk of body) this.#take(chunk.toString());
    } catch (error) {
      for (const waiting of this.#waiting.values()) waiting.reject(error);
    }
  }

  #take(text: string): void {
    const events = (this.#text + text).split('\n\n');
    this.#text = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: ?(.*)$/m.exec(event)?.[1];
      if (data !== undefined) this.#note(JSON.parse(data) as ApplicationEventBody);
    }
  }

  #note(event: ApplicationEventBody): void {
    if (event.type !== 'status' || !ENDS.has(event.application.status)) return;
    const { appId, status } = event.application;
    this.#ended.set(appId, status);
    this.#waiting.get(appId)?.resolve();
    this.#waiting.delete(appId);
  }
}

const ENDS: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);
