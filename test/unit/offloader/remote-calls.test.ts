import { describe, expect, it } from 'vitest';
import type { ApplicationId, EndApplication } from '../../../src/contracts/agent/model.ts';
import { RemoteCalls } from '../../../src/offloader/rest/remote-calls.ts';

const id = '-5' as ApplicationId;
const end = (jobId = id): EndApplication => ({ jobId, endStatus: 'OK', results: [] });

function collecting() {
  const ends: EndApplication[] = [];
  const listener = async (one: EndApplication): Promise<void> => {
    ends.push(one);
  };
  return { ends, listener };
}

describe('calls over REST', () => {
  it('hands an end to whoever made the call, once, however often it is told', async () => {
    const calls = new RemoteCalls();
    const { ends, listener } = collecting();
    calls.submit().accepted(id, listener);
    expect(await calls.end(end())).toBe(true);
    expect(await calls.end(end())).toBe(true);
    expect(ends).toHaveLength(1);
    expect(calls.open).toBe(0);
  });

  it('keeps an end that comes before the answer with the id', async () => {
    const calls = new RemoteCalls();
    const { ends, listener } = collecting();
    const submission = calls.submit();
    const early = calls.end(end());
    submission.accepted(id, listener);
    expect(await early).toBe(true);
    expect(ends).toHaveLength(1);
  });

  it('says no to an end of no call once every answer that was due has come', async () => {
    const calls = new RemoteCalls();
    expect(await calls.end(end())).toBe(false);
    const one = calls.submit();
    const two = calls.submit();
    const early = calls.end(end());
    one.refused();
    one.refused();
    let decided = false;
    void early.then(() => {
      decided = true;
    });
    await Promise.resolve();
    expect(decided).toBe(false);
    two.accepted('7' as ApplicationId, collecting().listener);
    expect(await early).toBe(false);
  });

  it('answers a repeated end when the first has been taken in', async () => {
    const calls = new RemoteCalls();
    const gate = Promise.withResolvers<void>();
    calls.submit().accepted(id, () => gate.promise);
    const first = calls.end(end());
    const again = calls.end(end());
    gate.resolve();
    expect(await Promise.all([first, again])).toEqual([true, true]);
  });

  it('takes the end of a call that was given up, and ignores it', async () => {
    const calls = new RemoteCalls();
    const { ends, listener } = collecting();
    calls.submit().accepted(id, listener);
    calls.abandon(id);
    expect(await calls.end(end())).toBe(true);
    expect(ends).toEqual([]);
  });
});
