import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { ClientChannel } from 'ssh2';
import { z } from 'zod';
import { RuntimeError } from '../../common/errors.ts';
import { quote, type SshConnection } from './connection.ts';
import type { ReadyHost } from './remote-host.ts';
import { type SshSpec, textOf } from './spec.ts';

/** What a worker says when it listens. */
const Listening = z.object({
  pid: z.int().positive(),
  grpcPort: z.int().positive(),
  dataPort: z.int().positive(),
  heartbeatPort: z.int().positive(),
});
export type Listening = z.infer<typeof Listening>;

const START_MS = 30_000;
const KEPT_LINES = 20;
/** Time to end in order. */
const STOP_MS = 2000;

/** `metakernel worker` on a host. It ends when its standard input is closed, which the kernel there does for us. */
export class RemoteWorker implements AsyncDisposable {
  readonly listening: Listening;
  readonly token: string;
  /** Why it has ended. */
  readonly ended: Promise<string>;
  readonly #channel: ClientChannel;

  private constructor(channel: ClientChannel, listening: Listening, token: string, ended: Promise<string>) {
    this.#channel = channel;
    this.listening = listening;
    this.token = token;
    this.ended = ended;
  }

  /** Throws ERR_SSH_WORKER. */
  static async start(connection: SshConnection, spec: SshSpec, host: ReadyHost): Promise<RemoteWorker> {
    const token = randomBytes(32).toString('hex');
    const channel = await connection.start(commandOf(spec, host));
    // The first line is the token; then the input stays open for as long as the worker is wanted.
    channel.write(`${token}\n`);
    const said: string[] = [];
    const listening = Promise.withResolvers<Listening>();
    createInterface({ input: channel.stderr }).on('line', (line) => keep(said, line));
    createInterface({ input: channel }).on('line', (line) => {
      const message = line.startsWith('{"name"') ? Listening.safeParse(JSON.parse(line)) : undefined;
      if (message?.success === true) listening.resolve(message.data);
      else keep(said, line);
    });
    const ended = endOf(channel, said);
    const failed = (reason: string): void =>
      listening.reject(new RuntimeError('ERR_SSH_WORKER', { host: textOf(connection.address), reason }));
    void ended.then(failed);
    const timer = setTimeout(() => failed(`it said nothing for ${START_MS} ms`), START_MS);
    try {
      return new RemoteWorker(channel, await listening.promise, token, ended);
    } catch (error) {
      channel.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.end();
    const timer = Promise.withResolvers<void>();
    const late = setTimeout(timer.resolve, STOP_MS);
    await Promise.race([this.ended, timer.promise]);
    clearTimeout(late);
    // A process that stands still ends with the connection, which closes its input.
    this.#channel.signal('KILL');
    this.#channel.destroy();
  }
}

function keep(said: string[], line: string): void {
  if (said.push(line) > KEPT_LINES) said.shift();
}

function endOf(channel: ClientChannel, said: readonly string[]): Promise<string> {
  let how = 'its connection has ended';
  channel.on('exit', (code: number | null, signal?: string) => {
    how = code === null ? `it was ended by ${signal ?? 'a signal'}` : `it ended with exit code ${code}`;
  });
  channel.on('error', () => undefined);
  return new Promise((resolve) => channel.once('close', () => resolve([how, ...said].join('\n'))));
}

/** The token goes by a file of the user's own, which is gone as soon as the worker listens: arguments are public there. */
function commandOf(spec: SshSpec, { node, folder, main, appDirs }: ReadyHost): string {
  const flags = [
    'worker',
    '--json',
    '--exit-with-parent',
    ...['--name', spec.name],
    ...['--host', '127.0.0.1'],
    ...['--grpc-port', '0'],
    ...['--data-port', '0'],
    ...['--app-path', appDirs.join(',')],
    ...['--drain-ms', '0'],
    ...['--log-level', 'warn'],
    ...(spec.cpus === undefined ? [] : ['--cpus', String(spec.cpus)]),
    ...(spec.storeLimitBytes === undefined ? [] : ['--store-limit-bytes', String(spec.storeLimitBytes)]),
  ];
  const start = [node, main, ...flags].map(quote).join(' ');
  return [
    `umask 077; cd ${quote(folder)} && IFS= read -r token && file=$(mktemp ./token-XXXXXXXX)`,
    `printf "%s\\n" "$token" > "$file" && exec ${start} --token-file "$file" --forget-token-file`,
  ].join(' && ');
}
