import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ackFrame, FrameWriter, readFrame, readIds, SECTION } from '../../src/contracts/agent-link/frame.ts';
import { LaunchEncoder, LaunchReader } from '../../src/contracts/agent-link/launch-batch.ts';
import { SettledEncoder, SettledReader } from '../../src/contracts/agent-link/settled-batch.ts';
import { FrameSchema } from '../../src/contracts/gen/agent_pb.ts';
import {
  decodeLaunches,
  decodeSettled,
  encodeLaunches,
  encodeSettled,
  plainLaunch,
  plainSettled,
} from '../support/wire-batches.ts';

const numRuns = Number(process.env['MK_PROPERTY_RUNS'] ?? 150);
const launches = fc.array(plainLaunch, { maxLength: 12 });
const settled = fc.array(plainSettled, { maxLength: 12 });
const ids = fc.array(fc.maxSafeNat(), { maxLength: 20 });

const frames = new FrameWriter();
const launchEncoder = new LaunchEncoder();
const settledEncoder = new SettledEncoder();

function frameOf(
  launchBatch: Parameters<typeof encodeLaunches>[0],
  outcomes: Parameters<typeof encodeSettled>[0],
  list: number[],
) {
  launchEncoder.clear();
  settledEncoder.clear();
  encodeLaunches(launchBatch, launchEncoder);
  encodeSettled(outcomes, settledEncoder);
  frames.batch(SECTION.launches, launchEncoder);
  frames.ids(SECTION.evictions, list);
  frames.batch(SECTION.settled, settledEncoder);
  return frames.finish(7, 2 ** 40);
}

function plainOf(bytes: Uint8Array) {
  const frame = readFrame(bytes);
  const body = (field: number) => frame.sections.find((section) => section.field === field)?.body as Uint8Array;
  const view = readIds(body(SECTION.evictions));
  return {
    seq: frame.seq,
    ack: frame.ack,
    launches: decodeLaunches(new LaunchReader(body(SECTION.launches))),
    settled: decodeSettled(new SettledReader(body(SECTION.settled))),
    ids: Array.from({ length: view.length }, (_, index) => view.at(index)),
  };
}

describe('frames of the agent link', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(launches, settled, ids, (launchBatch, outcomes, list) => {
        const plain = plainOf(frameOf(launchBatch, outcomes, list));
        expect(plain).toEqual({ seq: 7, ack: 2 ** 40, launches: launchBatch, settled: outcomes, ids: list });
      }),
      { numRuns },
    );
  });

  it('are what proto/agent.proto says: the generated code reads them, and what it writes is read', () => {
    fc.assert(
      fc.property(launches, settled, ids, (launchBatch, outcomes, list) => {
        const bytes = frameOf(launchBatch, outcomes, list);
        const message = fromBinary(FrameSchema, bytes);
        expect(message.$unknown).toBeUndefined();
        expect(message.sections.map((section) => section.body.case)).toEqual(['launches', 'evictions', 'settled']);
        expect(plainOf(toBinary(FrameSchema, message))).toEqual(plainOf(bytes));
        const [first] = message.sections;
        const batch = first?.body.case === 'launches' ? first.body.value : undefined;
        expect(batch?.invocations).toEqual(launchBatch.map((one) => one.invocation));
        expect(batch?.outputs).toEqual(launchBatch.flatMap((one) => one.outputs));
      }),
      { numRuns },
    );
  });

  it('damaged on the way are refused with ERR_FRAME_INVALID or read as something else, never worse', () => {
    const damage = fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(launches, settled, damage, fc.nat(), (launchBatch, outcomes, changes, cut) => {
        const bytes = Buffer.from(frameOf(launchBatch, outcomes, [1, 2]));
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        const short = bytes.subarray(0, bytes.length - (cut % 3));
        try {
          const frame = readFrame(short);
          for (const { field, body } of frame.sections) {
            if (field === SECTION.launches) decodeLaunches(new LaunchReader(body));
            else if (field === SECTION.settled) decodeSettled(new SettledReader(body));
            else readIds(body);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_FRAME_INVALID' });
        }
      }),
      { numRuns: numRuns * 4 },
    );
  });

  it('that only acknowledge carry nothing else', () => {
    expect(readFrame(ackFrame(300))).toEqual({ seq: 0, ack: 300, sections: [] });
    expect(readFrame(ackFrame(0))).toEqual({ seq: 0, ack: 0, sections: [] });
  });
});
