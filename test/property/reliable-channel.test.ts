import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFrame, readIds, SECTION } from '../../src/contracts/agent-link/frame.ts';
import { IdsSection, ReliableChannel } from '../../src/offloader/grpc-agent/reliable-channel.ts';

const numRuns = Number(process.env['MK_PROPERTY_RUNS'] ?? 60);
const LIMITS = { windowFrames: 4, windowBytes: 4096, frameBytes: 64 };

/** One end: a channel, what it received, and the frames that are on their way to the other end. */
class End {
  readonly received: number[] = [];
  readonly channel: ReliableChannel;
  wire: Buffer[] = [];

  constructor() {
    this.channel = new ReliableChannel((section) => {
      const ids = readIds(section.body);
      for (let index = 0; index < ids.length; index++) this.received.push(ids.at(index));
    }, LIMITS);
  }

  attach(peer: End): void {
    this.wire = [];
    this.channel.attach({ write: (frame) => this.wire.push(frame) > 0 }, peer.channel.lastReceived);
  }
}

type Step =
  | { readonly do: 'send'; readonly from: 0 | 1; readonly count: number }
  | { readonly do: 'deliver'; readonly from: 0 | 1; readonly frames: number }
  | { readonly do: 'cut' };

const side = fc.constantFrom<0 | 1>(0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('send' as const), from: side, count: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ do: fc.constant('deliver' as const), from: side, frames: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ do: fc.constant('cut' as const) }),
);

function deliver(from: End, to: End, frames: number): boolean {
  const arrived = from.wire.splice(0, frames);
  for (const frame of arrived) to.channel.receive(readFrame(frame), frame.length);
  return arrived.length > 0;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function run(steps: readonly Step[]): Promise<void> {
  const ends = [new End(), new End()] as const;
  const sent: [number[], number[]] = [[], []];
  const connect = (): void => {
    for (const end of ends) end.channel.detach();
    ends[0].attach(ends[1]);
    ends[1].attach(ends[0]);
  };
  connect();
  for (const one of steps) {
    if (one.do === 'cut') connect();
    else if (one.do === 'deliver') deliver(ends[one.from], ends[1 - one.from] as End, one.frames);
    else {
      for (let count = 0; count < one.count; count++) {
        const section = new IdsSection(SECTION.started);
        section.add(sent[one.from].length);
        sent[one.from].push(sent[one.from].length);
        ends[one.from].channel.push(section);
      }
    }
    await turn();
    expect(Math.max(...ends.map((end) => end.channel.unacknowledged))).toBeLessThanOrEqual(LIMITS.windowFrames);
  }
  connect();
  await turn();
  await settle(ends, sent);
  expect(ends[1].received).toEqual(sent[0]);
  expect(ends[0].received).toEqual(sent[1]);
  for (const end of ends) end.channel.close();
}

/** Lets everything arrive: every round moves a window at least, so the number of rounds is bounded. */
async function settle(ends: readonly [End, End], sent: readonly [number[], number[]]): Promise<void> {
  const rounds = 20 + sent[0].length + sent[1].length;
  for (let round = 0; round < rounds; round++) {
    deliver(ends[0], ends[1], 100);
    deliver(ends[1], ends[0], 100);
    await turn();
  }
}

describe('a channel over a stream that breaks', () => {
  it('delivers everything in order and once, within its window, whatever is cut when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => run(steps)),
      { numRuns },
    );
  });

  it('refuses frames out of order and acknowledgements of what was never sent', () => {
    const end = new End();
    expect(() => end.channel.receive({ seq: 2, ack: 0, sections: [] }, 1)).toThrow('frame 2 came after frame 0');
    expect(() => end.channel.receive({ seq: 0, ack: 1, sections: [] }, 1)).toThrow('frame 1 was never sent');
    end.channel.close();
  });
});
