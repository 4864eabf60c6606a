import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ip } from './commands.ts';
import { dataAddress, namespaceOf } from './network.ts';

export interface LinkQuality {
  /** Seconds that every packet is late. */
  readonly delay: number;
  /** Seconds more, at random for each packet: that is what changes their order. */
  readonly jitter: number;
  /** Share of packets that do not come. */
  readonly loss: number;
}

/** The network in user space (link-proxy.py), which packets take instead of the bridge while their link is diverted. */
export class LinkProxy implements AsyncDisposable {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(nodes: number, seed: number): Promise<LinkProxy> {
    const namespaces = Array.from({ length: nodes }, (_, index) => namespaceOf(index + 1));
    const program = join(import.meta.dirname, 'link-proxy.py');
    const child = spawn('python3', [program, String(seed), ...namespaces], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`link-proxy.py ended with ${code}`)));
    await Promise.race([once(child.stdout!, 'data'), ended]);
    ended.catch(() => undefined);
    const proxy = new LinkProxy(child);
    ip(namespaces.flatMap((name) => [`-n ${name} link set link0 up`]));
    return proxy;
  }

  /** Packets from one node to another take this way. The other direction is as it was: a link may be asymmetric. */
  async divert(from: number, to: number, quality: LinkQuality): Promise<void> {
    this.#process.stdin!.write(`${JSON.stringify({ from, to, ...quality })}\n`);
    ip([`-n ${namespaceOf(from)} route replace ${dataAddress(to)}/32 dev link0 src ${dataAddress(from)}`]);
  }

  async restore(from: number, to: number): Promise<void> {
    ip([`-n ${namespaceOf(from)} route del ${dataAddress(to)}/32 dev link0`]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.stdin!.end();
    await ended;
  }
}
