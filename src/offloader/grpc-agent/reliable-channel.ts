import {
  ackFrame,
  FrameWriter,
  type ReceivedFrame,
  type ReceivedSection,
  type SectionField,
} from '../../contracts/agent-link/frame.ts';
import { invalidFrame } from '../../contracts/agent-link/wire.ts';

/** A stream as the channel sees it. */
export interface Pipe {
  /** False: full; the owner of the pipe calls `drained` when it takes more. */
  write(frame: Buffer): boolean;
}

/** Something to send. Encoded only when there is room for it, so a slow peer costs references and not bytes. */
export interface OutSection {
  /** Writes as much as fits below `limit` bytes in the frame, at least one element; true when nothing is left. */
  write(frame: FrameWriter, limit: number): boolean;
}

export interface ChannelLimits {
  /** Frames and bytes that may be sent without being acknowledged. */
  readonly windowFrames: number;
  readonly windowBytes: number;
  /** A frame is closed when it has reached this size. */
  readonly frameBytes: number;
}

export const DEFAULT_LIMITS: ChannelLimits = { windowFrames: 1024, windowBytes: 64 * 2 ** 20, frameBytes: 2 ** 20 };

/** Longest that the peer's replay buffer waits for an acknowledgement that nothing else carries. */
const ACK_DELAY_MS = 20;

interface SentFrame {
  readonly seq: number;
  readonly bytes: Buffer;
}

/**
 * Delivers sections in order, once each, over a stream that may break and be opened again. What is queued in one turn of the
 * event loop goes out together. Sent frames are kept until the peer has acknowledged them and repeated when it has not.
 */
export class ReliableChannel {
  readonly #limits: ChannelLimits;
  readonly #deliver: (section: ReceivedSection) => void;
  readonly #writer = new FrameWriter();
  #pipe: Pipe | undefined;
  #full = false;
  #closed = false;
  #flushAt: NodeJS.Immediate | undefined;

  /** Sections not yet in a frame: from `#head` on. */
  #outbox: OutSection[] = [];
  #head = 0;

  #sent: SentFrame[] = [];
  #sentBytes = 0;
  #lastSent = 0;

  #lastReceived = 0;
  #lastAcked = 0;
  #bytesSinceAck = 0;
  #ackTimer: NodeJS.Timeout | undefined;

  constructor(deliver: (section: ReceivedSection) => void, limits: ChannelLimits = DEFAULT_LIMITS) {
    this.#deliver = deliver;
    this.#limits = limits;
  }

  get lastReceived(): number {
    return this.#lastReceived;
  }

  /** Unacknowledged frames; for tests and for people. */
  get unacknowledged(): number {
    return this.#sent.length;
  }

  /** The newest section if it has not been touched by a flush: the caller may add to it instead of pushing another. */
  get tail(): OutSection | undefined {
    return this.#outbox.length > this.#head ? this.#outbox[this.#outbox.length - 1] : undefined;
  }

  push(section: OutSection): void {
    if (this.#closed) return;
    this.#outbox.push(section);
    this.#flushAt ??= setImmediate(this.#flush);
  }

  // ------------------------------------------------------------------------------------------ the stream

  /** The peer has received everything up to `peerReceived`: the rest is sent again. */
  attach(pipe: Pipe, peerReceived: number): void {
    if (this.#closed) return;
    if (peerReceived > this.#lastSent) throw invalidFrame(`frame ${peerReceived} was never sent`);
    this.#pipe = pipe;
    this.#full = false;
    this.#acknowledged(peerReceived);
    for (const frame of this.#sent) this.#full = !pipe.write(frame.bytes);
    this.#lastAcked = this.#lastReceived;
    this.#bytesSinceAck = 0;
    this.#schedule();
  }

  /** The stream has broken: frames wait for the next one. */
  detach(): void {
    this.#pipe = undefined;
    this.#cancelAck();
  }

  drained(): void {
    this.#full = false;
    this.#schedule();
  }

  /** Throws ERR_FRAME_INVALID when the peer breaks the rules, and whatever the receiver of a section throws. */
  receive(frame: ReceivedFrame, size: number): void {
    if (this.#closed) return;
    if (frame.ack > this.#lastSent) throw invalidFrame(`frame ${frame.ack} was never sent`);
    if (frame.ack > 0) this.#acknowledged(frame.ack);
    if (frame.seq === 0) {
      if (frame.sections.length > 0) throw invalidFrame('sections without a sequence number');
      return;
    }
    if (frame.seq <= this.#lastReceived) return;
    if (frame.seq !== this.#lastReceived + 1) {
      throw invalidFrame(`frame ${frame.seq} came after frame ${this.#lastReceived}`);
    }
    this.#lastReceived = frame.seq;
    this.#bytesSinceAck += size;
    for (const section of frame.sections) this.#deliver(section);
    this.#acknowledge();
  }

  close(): void {
    this.#closed = true;
    this.detach();
    if (this.#flushAt !== undefined) clearImmediate(this.#flushAt);
    this.#flushAt = undefined;
    this.#outbox = [];
    this.#head = 0;
    this.#sent = [];
    this.#sentBytes = 0;
  }

  // ------------------------------------------------------------------------------------------ sending

  #schedule(): void {
    if (this.#outbox.length > this.#head && !this.#closed) this.#flushAt ??= setImmediate(this.#flush);
  }

  /** Sends what the window and the stream take now; for the end of a link, when no later turn will do it. */
  flushNow(): void {
    if (this.#flushAt !== undefined) clearImmediate(this.#flushAt);
    this.#flush();
  }

  readonly #flush = (): void => {
    this.#flushAt = undefined;
    while (this.#head < this.#outbox.length && this.#mayWrite()) this.#sendFrame();
    if (this.#head >= this.#outbox.length) {
      this.#outbox = [];
      this.#head = 0;
    }
  };

  #mayWrite(): boolean {
    return (
      this.#pipe !== undefined &&
      !this.#full &&
      this.#sent.length < this.#limits.windowFrames &&
      (this.#sentBytes < this.#limits.windowBytes || this.#sent.length === 0)
    );
  }

  #sendFrame(): void {
    const { frameBytes } = this.#limits;
    while (this.#head < this.#outbox.length && this.#writer.size < frameBytes) {
      if (!(this.#outbox[this.#head] as OutSection).write(this.#writer, frameBytes)) break;
      this.#outbox[this.#head++] = NOTHING;
    }
    if (this.#writer.size === 0) return;
    const bytes = this.#writer.finish(++this.#lastSent, this.#lastReceived);
    this.#sent.push({ seq: this.#lastSent, bytes });
    this.#sentBytes += bytes.length;
    this.#acksSent();
    this.#full = !(this.#pipe as Pipe).write(bytes);
  }

  #acknowledged(seq: number): void {
    let count = 0;
    while (count < this.#sent.length && (this.#sent[count] as SentFrame).seq <= seq) {
      this.#sentBytes -= (this.#sent[count] as SentFrame).bytes.length;
      count += 1;
    }
    if (count === 0) return;
    this.#sent.splice(0, count);
    this.#schedule();
  }

  // ------------------------------------------------------------------------------------------ acknowledging

  #acknowledge(): void {
    const { windowFrames, windowBytes } = this.#limits;
    const due = this.#lastReceived - this.#lastAcked >= windowFrames / 4 || this.#bytesSinceAck >= windowBytes / 4;
    if (due) this.#sendAck();
    else this.#ackTimer ??= setTimeout(this.#sendAck, ACK_DELAY_MS);
  }

  readonly #sendAck = (): void => {
    this.#cancelAck();
    if (this.#pipe === undefined || this.#lastAcked === this.#lastReceived) return;
    this.#acksSent();
    if (!this.#pipe.write(ackFrame(this.#lastReceived))) this.#full = true;
  };

  #acksSent(): void {
    this.#lastAcked = this.#lastReceived;
    this.#bytesSinceAck = 0;
    this.#cancelAck();
  }

  #cancelAck(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
  }
}

const NOTHING: OutSection = { write: () => true };

/** A list of ids of one kind; grows while it is the newest section. */
export class IdsSection implements OutSection {
  readonly field: SectionField;
  readonly #ids: number[] = [];

  constructor(field: SectionField) {
    this.field = field;
  }

  add(id: number): void {
    this.#ids.push(id);
  }

  write(frame: FrameWriter): boolean {
    frame.ids(this.field, this.#ids);
    return true;
  }
}
