import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, status as grpcStatus, Metadata, type ServiceError } from '@grpc/grpc-js';
import { RuntimeError, toErrorInfo } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import {
  closeFrame,
  helloFrame,
  PROTOCOL_VERSION,
  type ReceivedFrame,
  type ReceivedSection,
  readFrame,
  SECTION,
} from '../../contracts/agent-link/frame.ts';
import { CloseSchema, HelloSchema, type Welcome } from '../../contracts/gen/agent_pb.ts';
import type { GoneEvidence } from './heartbeat-messages.ts';
import type { Heartbeats } from './heartbeats.ts';
import { DEFAULT_LIMITS, IdsSection, ReliableChannel } from './reliable-channel.ts';
import { isSameHost } from './same-host.ts';
import { authorize, channelCredentials, type LinkSecurity } from './security.ts';
import { AGENT_PEER_SERVICE, CLIENT_OPTIONS } from './service.ts';

export interface LinkTiming {
  readonly heartbeatMs: number;
  /** A peer that has not answered for so long is lost; so is one whose stream could not be opened again for so long. */
  readonly deadlineMs: number;
  /** A peer that answers heartbeats while its event loop stands still is lost after so long. */
  readonly maxLagMs: number;
  /** The peer drops a link whose caller it has not heard for so long. */
  readonly silenceMs: number;
  readonly connectMs: number;
}

export const DEFAULT_TIMING: LinkTiming = {
  heartbeatMs: 250,
  deadlineMs: 2000,
  maxLagMs: 60_000,
  silenceMs: 10_000,
  connectMs: 10_000,
};

/** A way to a peer that its own host and ports do not name, closed with the link. */
export interface LinkTunnel extends AsyncDisposable {
  /** What the peer says of itself, with ports here in place of its own. */
  translate(welcome: Welcome): Welcome;
}

export interface LinkTarget {
  /** What this agent calls the peer. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tunnel?: LinkTunnel;
}

/** What the caller says of itself. */
export interface CallerIdentity {
  readonly name: string;
  readonly incarnation: string;
  readonly host: string;
  readonly dataPort: number;
  /** The key that the peer signs tickets for this agent's data with. */
  readonly linkKey: string;
}

export interface LinkClientOptions {
  readonly target: LinkTarget;
  readonly caller: CallerIdentity;
  readonly security: LinkSecurity;
  readonly timing: LinkTiming;
  readonly heartbeats: Heartbeats;
  readonly logger: Logger;
}

export interface LinkClientEvents {
  /** A section of the peer, in order and once. What it throws ends the link. */
  section(section: ReceivedSection): void;
  /** Once; nothing follows. Not after `close`. */
  lost(reason: string): void;
}

type Call = ClientDuplexStream<Buffer, Buffer>;

const METHOD = AGENT_PEER_SERVICE.link;
const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 250;
/** Longest that a regular end waits for the peer's answer. */
const CLOSE_MS = 1000;

/** The caller's end of a link: opens the stream, opens it again when it breaks, tells when the peer is lost. */
export class LinkClient {
  readonly channel: ReliableChannel;
  readonly #options: LinkClientOptions;
  readonly #events: LinkClientEvents;
  readonly #linkId = randomBytes(16).toString('hex');
  readonly #client: Client;
  #call: Call | undefined;
  #welcome: Welcome | undefined;
  /** up: the stream carries frames. broken: being opened again. ended: lost or closed. */
  #state: 'up' | 'broken' | 'ended' = 'broken';
  #heardAt = performance.now();
  /** Its heartbeat port has taken a connection at least once. */
  #reached = false;
  #probed = false;
  #recheck: NodeJS.Timeout | undefined;
  #stopWatching: () => void = () => undefined;
  readonly #abort = new AbortController();

  constructor(options: LinkClientOptions, events: LinkClientEvents) {
    this.#options = options;
    this.#events = events;
    this.channel = new ReliableChannel((section) => events.section(section), DEFAULT_LIMITS);
    const { host, port } = options.target;
    this.#client = new Client(addressOf(host, port), channelCredentials(options.security), CLIENT_OPTIONS);
  }

  /** What the peer said of itself. */
  get welcome(): Welcome {
    return this.#welcome as Welcome;
  }

  get tunnel(): LinkTunnel | undefined {
    return this.#options.target.tunnel;
  }

  /** At the other end of a tunnel anything may have refused a connection. */
  get #isHere(): boolean {
    return this.tunnel === undefined && isSameHost(this.#options.target.host);
  }

  /** Throws ERR_LINK_UNREACHABLE, ERR_LINK_REFUSED or ERR_LINK_PROTOCOL. */
  async open(signal: AbortSignal): Promise<void> {
    try {
      const timeout = AbortSignal.timeout(this.#options.timing.connectMs);
      const welcome = await this.#openStream(false, AbortSignal.any([signal, timeout]));
      this.#welcome = this.tunnel?.translate(welcome) ?? welcome;
    } catch (error) {
      this.#end();
      throw this.#openError(error);
    }
    this.#watch();
  }

  /** The regular end: the peer cancels what runs and drops its data. */
  async close(): Promise<void> {
    if (this.#state === 'ended') return;
    const call = this.#state === 'up' ? this.#call : undefined;
    this.#end();
    if (call !== undefined) await goodbye(call);
    this.#client.close();
  }

  // ------------------------------------------------------------------------------------------ streams

  #openStream(resume: boolean, signal: AbortSignal): Promise<Welcome> {
    const metadata = authorize(new Metadata(), this.#options.security);
    const call: Call = this.#client.makeBidiStreamRequest(
      METHOD.path,
      METHOD.requestSerialize,
      METHOD.responseDeserialize,
      metadata,
    );
    this.#call = call;
    return new Promise<Welcome>((resolve, reject) => {
      const fail = (error: unknown): void => {
        signal.removeEventListener('abort', abort);
        reject(error instanceof Error ? error : new Error(String(error)));
        this.#streamEnded(call, error);
      };
      const abort = (): void => {
        call.cancel();
        fail(signal.reason);
      };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      const welcomed = (welcome: Welcome): void => {
        signal.removeEventListener('abort', abort);
        resolve(welcome);
      };
      call.on('data', (bytes: Buffer) => this.#frame(call, bytes, welcomed, fail));
      call.on('drain', () => this.#call === call && this.channel.drained());
      call.on('error', fail);
      call.on('end', () => fail(new Error('the peer ended the stream')));
      call.write(helloFrame(this.#hello(resume)));
    });
  }

  #hello(resume: boolean) {
    const { target, caller, timing } = this.#options;
    return create(HelloSchema, {
      protocol: PROTOCOL_VERSION,
      linkId: this.#linkId,
      resume,
      lastReceived: BigInt(this.channel.lastReceived),
      name: caller.name,
      incarnation: caller.incarnation,
      host: caller.host,
      dataPort: caller.dataPort,
      pid: process.pid,
      linkKey: caller.linkKey,
      silenceMs: timing.silenceMs,
      resource: target.name,
    });
  }

  #frame(call: Call, bytes: Buffer, welcomed: (welcome: Welcome) => void, fail: (error: unknown) => void): void {
    if (this.#call !== call || this.#state === 'ended') return;
    this.#heardAt = performance.now();
    try {
      const frame = readFrame(bytes);
      if (frame.close !== undefined) fail(refusal(frame.close.code, frame.close.reason));
      else if (this.#state === 'up') this.channel.receive(frame, bytes.length);
      else if (this.#greeted(call, frame, fail)) welcomed(frame.welcome as Welcome);
    } catch (error) {
      this.#protocolBroken(call, error);
      fail(error);
    }
  }

  /** The first frame of a stream. */
  #greeted(call: Call, frame: ReceivedFrame, fail: (error: unknown) => void): boolean {
    const { welcome } = frame;
    if (welcome === undefined) {
      fail(refusal('ERR_FRAME_INVALID', 'the first frame is no welcome'));
      return false;
    }
    const known = this.#welcome;
    if (known !== undefined && (!welcome.resumed || welcome.incarnation !== known.incarnation)) {
      fail(refusal('', welcome.incarnation === known.incarnation ? 'it has dropped the link' : 'it was restarted'));
      return false;
    }
    this.#state = 'up';
    this.channel.attach({ write: (bytes) => call.write(bytes) }, Number(welcome.lastReceived));
    return true;
  }

  #protocolBroken(call: Call, error: unknown): void {
    const { code, message } = toErrorInfo(error);
    call.write(closeFrame(create(CloseSchema, { code, reason: message })));
    call.end();
    this.#lose(message);
  }

  /** A stream has ended for whatever reason. */
  #streamEnded(call: Call, error: unknown): void {
    if (this.#call !== call) return;
    this.#call = undefined;
    this.channel.detach();
    if (this.#state === 'ended') return;
    call.cancel();
    if (this.#state === 'broken') return;
    this.#state = 'broken';
    if (isFinal(error)) this.#lose(reasonOf(error));
    else void this.#reopen(reasonOf(error));
  }

  /** On this machine a refused connection means that its process has gone, whether or not it ever answered a heartbeat. */
  #isDead(error: unknown): boolean {
    return this.#isHere && reasonOf(error).includes('ECONNREFUSED');
  }

  /** Tries until the deadline, unless the peer turns out to be dead; heartbeats may say so first. */
  async #reopen(broke: string): Promise<void> {
    const { target, timing, logger } = this.#options;
    logger.warn({ peer: target.name, reason: broke }, 'the stream of a link broke; opening it again');
    const deadline = performance.now() + timing.deadlineMs;
    let pause = FIRST_RETRY_MS;
    while (this.#state === 'broken' && performance.now() < deadline) {
      const left = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now())));
      try {
        await this.#openStream(true, AbortSignal.any([left, this.#abort.signal]));
        logger.info({ peer: target.name }, 'the link goes on');
        return;
      } catch (error) {
        if (this.#state === 'broken' && (isFinal(error) || this.#isDead(error))) this.#lose(reasonOf(error));
      }
      await delay(pause, undefined, { signal: this.#abort.signal }).catch(() => undefined);
      pause = Math.min(pause * 2, LAST_RETRY_MS);
    }
    if (this.#state === 'broken')
      this.#lose(`the stream could not be opened again for ${timing.deadlineMs} ms: ${broke}`);
  }

  // ------------------------------------------------------------------------------------------ life of the peer

  #watch(): void {
    const { heartbeatPort, incarnation } = this.welcome;
    if (heartbeatPort === 0 || this.#state === 'ended') return;
    const { target, timing, heartbeats, logger } = this.#options;
    const { heartbeatMs, deadlineMs, maxLagMs } = timing;
    const { host } = target;
    this.#stopWatching = heartbeats.watch(
      {
        host,
        port: heartbeatPort,
        linkId: this.#linkId,
        incarnation,
        heartbeatMs,
        deadlineMs,
        maxLagMs,
        sameHost: this.#isHere,
      },
      {
        gone: (reason, evidence) => this.#gone(reason, evidence),
        lag: (lagMs) => logger.warn({ peer: target.name, lagMs }, 'the event loop of a peer is late'),
      },
    );
  }

  /** The stream may show life when heartbeats do not come through; an idle one shows none for long. */
  #gone(reason: string, evidence: GoneEvidence): void {
    const { deadlineMs } = this.#options.timing;
    if (evidence === 'unreached' && !this.#reached) {
      this.#probe(reason);
      return;
    }
    this.#reached = true;
    const left = evidence !== 'proof' && this.#state === 'up' ? this.#heardAt + deadlineMs - performance.now() : 0;
    if (left <= 0) this.#lose(reason);
    else this.#recheckIn(left, reason);
  }

  /** Without heartbeats the stream alone tells whether the peer lives: it must acknowledge a frame that says nothing. */
  #probe(reason: string): void {
    const { target, timing, logger } = this.#options;
    if (!this.#probed) logger.warn({ peer: target.name, reason }, 'no heartbeats from a peer: its stream is asked');
    this.#probed = true;
    this.channel.push(new IdsSection(SECTION.recalls));
    this.#recheckIn(timing.deadlineMs, `${reason}, and its stream answers nothing`);
  }

  #recheckIn(ms: number, reason: string): void {
    const heardAt = this.#heardAt;
    this.#recheck = setTimeout(() => {
      if (this.#heardAt === heardAt) this.#lose(reason);
      else this.#watch();
    }, ms);
  }

  #lose(reason: string): void {
    if (this.#state === 'ended') return;
    const call = this.#call;
    this.#end();
    if (call !== undefined) {
      call.write(closeFrame(create(CloseSchema, { code: '', reason })));
      call.end();
      setTimeout(() => call.cancel(), CLOSE_MS).unref();
    }
    this.#client.close();
    this.#events.lost(reason);
  }

  #end(): void {
    this.#state = 'ended';
    this.#stopWatching();
    clearTimeout(this.#recheck);
    this.#abort.abort();
    this.channel.close();
  }

  #openError(error: unknown): RuntimeError {
    this.#client.close();
    if (error instanceof RuntimeError) return error;
    const { name, host, port } = this.#options.target;
    const details = { name, address: addressOf(host, port), reason: reasonOf(error) };
    return new RuntimeError(isFinal(error) ? 'ERR_LINK_REFUSED' : 'ERR_LINK_UNREACHABLE', details, { cause: error });
  }
}

const addressOf = (host: string, port: number): string =>
  host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;

/** Says goodbye and waits until the peer has ended the stream. */
async function goodbye(call: Call): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    call.once('status', () => resolve());
    call.once('error', () => resolve());
  });
  call.write(closeFrame(create(CloseSchema, {})));
  call.end();
  const timer = setTimeout(() => call.cancel(), CLOSE_MS);
  await ended;
  clearTimeout(timer);
}

/** The peer itself has ended the link: opening the stream again is of no use. */
class LinkRefused extends Error {
  readonly final = true;
}

const refusal = (code: string, reason: string): LinkRefused =>
  new LinkRefused(reason === '' ? code || 'the peer has closed the link' : reason);

const FINAL_STATUS: readonly number[] = [
  grpcStatus.UNAUTHENTICATED,
  grpcStatus.PERMISSION_DENIED,
  grpcStatus.UNIMPLEMENTED,
];

const isFinal = (error: unknown): boolean =>
  error instanceof LinkRefused || FINAL_STATUS.includes((error as Partial<ServiceError>).code ?? -1);

function reasonOf(error: unknown): string {
  const details = (error as Partial<ServiceError>).details;
  if (details !== undefined && details !== '') return details;
  return error instanceof Error ? error.message : String(error);
}
