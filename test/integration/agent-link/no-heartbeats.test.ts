import { describe, expect, it } from 'vitest';
import type { Heartbeats } from '../../../src/offloader/grpc-agent/heartbeats.ts';
import { CutProxy } from '../../support/cut-proxy.ts';
import { Callee, Caller } from '../../support/link-case.ts';

describe('a link whose heartbeat port cannot be reached', () => {
  it('lives as long as its stream answers, and is lost by the deadline when that falls silent', async () => {
    await using callee = await Callee.start(() => []);
    const { proxy, port } = await CutProxy.start(callee.port);
    await using relay = proxy;
    let watched = 0;
    const unreached = (heartbeats: Heartbeats): void => {
      heartbeats.watch = (_target, listener) => {
        watched += 1;
        const timer = setTimeout(() => listener.gone('no heartbeat for 1 ms', 'unreached'), 1);
        return () => clearTimeout(timer);
      };
    };
    await using caller = await Caller.connect(port, { deadlineMs: 200 }, {}, unreached);
    await expect.poll(() => watched, { timeout: 5000 }).toBeGreaterThan(2);
    expect(caller.told.lost).toBeUndefined();
    relay.freeze();
    await caller.until(({ lost }) => lost !== undefined);
    expect(caller.told.lost).toContain('its stream answers nothing');
  });
});
