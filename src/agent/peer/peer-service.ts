import { create } from '@bufbuild/protobuf';
import { status as grpcStatus, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { ERRORS, RuntimeError, toErrorInfo } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import {
  closeFrame,
  PROTOCOL_VERSION,
  type ReceivedFrame,
  readFrame,
  welcomeFrame,
} from '../../contracts/agent-link/frame.ts';
import { invalidFrame } from '../../contracts/agent-link/wire.ts';
import { CloseSchema, type Hello, WelcomeSchema } from '../../contracts/gen/agent_pb.ts';
import type { Heartbeats } from '../../offloader/grpc-agent/heartbeats.ts';
import { descriptionToWire } from '../../offloader/grpc-agent/model-wire.ts';
import { DEFAULT_LIMITS } from '../../offloader/grpc-agent/reliable-channel.ts';
import { isAuthorized, type LinkSecurity } from '../../offloader/grpc-agent/security.ts';
import { AGENT_PEER_SERVICE, CHANNEL_OPTIONS, MAX_FRAME_BYTES } from '../../offloader/grpc-agent/service.ts';
import type { ResourceDescription } from '../../runtime/model/resource.ts';
import { type CallerCertificate, certificateIn } from '../security/caller.ts';
import type { StreamCheck } from '../security/link-access.ts';
import { PeerLink, type PeerRuntime } from './peer-link.ts';
import { listenSecurely, type SecureListener } from './secure-listener.ts';

export interface PeerServiceOptions {
  readonly runtime: PeerRuntime;
  /** What this agent has now: for callers that declare no units. */
  readonly describe: () => ResourceDescription;
  readonly heartbeats: Heartbeats;
  readonly logger: Logger;
  readonly security?: LinkSecurity;
  /** Absent: whoever shows the token of `security`. */
  readonly check?: StreamCheck;
  /** A connection was closed for its certificate, or for the lack of one. */
  readonly refused?: (certificate: CallerCertificate | undefined, from: string) => void;
  /** Largest frame that is read. */
  readonly maxFrameBytes?: number;
  /** How long a link whose stream broke waits for its caller. */
  readonly graceMs?: number;
}

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** A link with what the service keeps about its streams. */
interface OpenLink {
  readonly link: PeerLink;
  stream: Stream | undefined;
  grace: NodeJS.Timeout | undefined;
  stopExpecting: () => void;
}

const GRACE_MS = 5000;
/** A stream that does not say hello is ended. */
const HELLO_MS = 10_000;
const MIN_SILENCE_MS = 1000;
const MAX_SILENCE_MS = 600_000;
const LINK_ID = /^[0-9a-f]{32}$/;

/** The callee's side of all links: takes streams, opens, resumes and drops links. */
export class PeerService implements AsyncDisposable {
  readonly #options: PeerServiceOptions;
  readonly #security: LinkSecurity;
  readonly #server: Server;
  readonly #links = new Map<string, OpenLink>();
  #listener: SecureListener | undefined;

  constructor(options: PeerServiceOptions) {
    this.#options = options;
    this.#security = options.security ?? {};
    const { maxFrameBytes = MAX_FRAME_BYTES } = options;
    this.#server = new Server({ ...CHANNEL_OPTIONS, 'grpc.max_receive_message_length': maxFrameBytes });
    this.#server.addService(AGENT_PEER_SERVICE, { link: (stream: Stream) => this.#accept(stream) });
  }

  /** Returns the port. Throws ERR_PORT_UNAVAILABLE. */
  async listen(host: string, port: number): Promise<number> {
    const { tls } = this.#security;
    if (tls !== undefined) {
      const refused = (certificate: CallerCertificate | undefined, from: string): void =>
        this.#options.refused?.(certificate, from);
      this.#listener = await listenSecurely({ server: this.#server, tls, host, port, refused });
      return this.#listener.port;
    }
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(new RuntimeError('ERR_PORT_UNAVAILABLE', { address, reason: error.message }));
      });
    });
  }

  /** Links with their callers, for people. */
  get links(): readonly { readonly name: string; readonly calls: number; readonly versions: number }[] {
    return [...this.#links.values()].map(({ link }) => ({ name: link.hello.name, ...link.load }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const open of [...this.#links.values()]) this.#drop(open, 'ERR_SHUTTING_DOWN', 'the agent is shutting down');
    this.#listener?.close();
    const ended = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    const timer = setTimeout(() => this.#server.forceShutdown(), 1000);
    await ended;
    clearTimeout(timer);
  }

  // ------------------------------------------------------------------------------------------ streams

  #accept(stream: Stream): void {
    stream.on('error', () => undefined);
    const refusal = this.#refusalOf(stream);
    if (refusal !== undefined) {
      const code = ERRORS[refusal.code].status === 403 ? grpcStatus.PERMISSION_DENIED : grpcStatus.UNAUTHENTICATED;
      stream.emit('error', { code, details: refusal.message });
      return;
    }
    let open: OpenLink | undefined;
    const silent = setTimeout(() => this.#refuse(stream, 'ERR_FRAME_INVALID', 'no hello came'), HELLO_MS);
    stream.on('data', (bytes: Buffer) => {
      clearTimeout(silent);
      try {
        const frame = readFrame(bytes);
        if (open === undefined) open = this.#greet(stream, frame);
        else if (open.stream === stream) this.#receive(open, frame, bytes.length);
      } catch (error) {
        this.#broken(stream, open, error);
      }
    });
    stream.on('drain', () => open?.stream === stream && open.link.channel.drained());
    const ended = (): void => {
      clearTimeout(silent);
      if (open !== undefined) this.#streamEnded(open, stream);
    };
    stream.on('end', () => {
      ended();
      stream.end();
    });
    stream.on('cancelled', ended);
    stream.on('close', ended);
  }

  #refusalOf(stream: Stream): RuntimeError | undefined {
    const { check } = this.#options;
    if (check === undefined) {
      return isAuthorized(stream.metadata, this.#security) ? undefined : new RuntimeError('ERR_UNAUTHENTICATED');
    }
    const { sslPeerCertificate } = stream.getAuthContext() ?? {};
    return check({ metadata: stream.metadata, certificate: certificateIn(sslPeerCertificate), from: stream.getPeer() });
  }

  #receive(open: OpenLink, frame: ReceivedFrame, size: number): void {
    if (frame.close === undefined) {
      open.link.channel.receive(frame, size);
      return;
    }
    const { stream } = open;
    this.#forget(open, frame.close.reason || 'the caller has closed the link');
    stream?.end();
  }

  /** A peer that breaks the protocol loses its link; a bug of ours in handling it does not take the agent down. */
  #broken(stream: Stream, open: OpenLink | undefined, error: unknown): void {
    const { code, message } = toErrorInfo(error);
    this.#options.logger.warn({ peer: open?.link.hello.name, code, error: message }, 'a link is ended');
    if (open !== undefined) this.#forget(open, message);
    this.#refuse(stream, code, message);
  }

  #refuse(stream: Stream, code: string, reason: string): void {
    stream.write(closeFrame(create(CloseSchema, { code, reason })));
    stream.end();
  }

  // ------------------------------------------------------------------------------------------ links

  #greet(stream: Stream, { hello }: ReceivedFrame): OpenLink | undefined {
    if (hello === undefined) throw invalidFrame('the first frame is no hello');
    if (hello.protocol !== PROTOCOL_VERSION) {
      throw new RuntimeError('ERR_LINK_PROTOCOL', { found: hello.protocol, expected: PROTOCOL_VERSION });
    }
    if (!LINK_ID.test(hello.linkId) || hello.name === '' || hello.incarnation === '') {
      throw invalidFrame('the hello lacks a link id, a name or an incarnation');
    }
    const known = this.#links.get(hello.linkId);
    const resumes = hello.resume && known?.link.hello.incarnation === hello.incarnation;
    if (hello.resume && !resumes) {
      stream.write(this.#welcome(hello, false, 0));
      stream.end();
      return undefined;
    }
    const open = resumes ? (known as OpenLink) : this.#open(hello);
    this.#attach(open, stream, Number(hello.lastReceived), hello.resume);
    return open;
  }

  #attach(open: OpenLink, stream: Stream, received: number, resumed: boolean): void {
    clearTimeout(open.grace);
    open.grace = undefined;
    const before = open.stream;
    open.link.channel.detach();
    open.stream = stream;
    before?.end();
    stream.write(this.#welcome(open.link.hello, resumed, open.link.channel.lastReceived));
    open.link.channel.attach({ write: (frame) => stream.write(frame) }, received);
  }

  #open(hello: Hello): OpenLink {
    if (this.#links.has(hello.linkId)) throw invalidFrame('the link id is taken');
    for (const other of [...this.#links.values()]) {
      const { name, resource } = other.link.hello;
      if (name !== hello.name || resource !== hello.resource) continue;
      this.#drop(other, 'ERR_LINK_SUPERSEDED', `a newer link of ${name} has replaced this one`);
    }
    const link = new PeerLink(hello, this.#options.runtime);
    const open: OpenLink = { link, stream: undefined, grace: undefined, stopExpecting: () => undefined };
    this.#links.set(hello.linkId, open);
    this.#expect(open);
    this.#options.logger.info({ peer: hello.name, host: hello.host }, 'a peer has opened a link');
    return open;
  }

  /** Cuts that no end of a stream tells of. */
  #expect(open: OpenLink): void {
    const { linkId, silenceMs } = open.link.hello;
    const clipped = Math.min(Math.max(silenceMs, MIN_SILENCE_MS), MAX_SILENCE_MS);
    open.stopExpecting = this.#options.heartbeats.expect(linkId, clipped, () => {
      if (open.stream === undefined) this.#drop(open, '', `nothing heard for ${clipped} ms`);
      else this.#expect(open);
    });
  }

  #welcome(hello: Hello, resumed: boolean, lastReceived: number): Buffer {
    const { runtime, heartbeats, describe } = this.#options;
    const { name, incarnation, host, dataPort } = runtime.self;
    return welcomeFrame(
      create(WelcomeSchema, {
        protocol: PROTOCOL_VERSION,
        resumed,
        lastReceived: BigInt(lastReceived),
        name,
        incarnation,
        host,
        dataPort,
        pid: process.pid,
        linkKey: runtime.mover.linkKey(hello.name),
        heartbeatPort: heartbeats.port,
        description: descriptionToWire(describe()),
        windowFrames: DEFAULT_LIMITS.windowFrames,
        windowBytes: DEFAULT_LIMITS.windowBytes,
      }),
    );
  }

  #streamEnded(open: OpenLink, stream: Stream): void {
    if (open.stream !== stream) return;
    open.stream = undefined;
    open.link.channel.detach();
    const graceMs = this.#options.graceMs ?? GRACE_MS;
    open.grace = setTimeout(() => this.#drop(open, '', `its stream was not opened again for ${graceMs} ms`), graceMs);
  }

  #drop(open: OpenLink, code: string, reason: string): void {
    const { stream } = open;
    this.#forget(open, reason);
    if (stream !== undefined) this.#refuse(stream, code, reason);
  }

  #forget(open: OpenLink, reason: string): void {
    clearTimeout(open.grace);
    open.stopExpecting();
    open.stream = undefined;
    this.#links.delete(open.link.hello.linkId);
    open.link.drop(reason);
    this.#options.logger.info({ peer: open.link.hello.name, reason }, 'a link has ended');
  }
}
