import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { InvocationId } from '../../../src/runtime/model/ids.ts';
import { aLaunch, Caller } from '../../support/link-case.ts';

class CalleeProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
  }

  static async start(): Promise<CalleeProcess> {
    const entry = join(import.meta.dirname, 'fixtures/callee-process.ts');
    const child = fork(entry, { execArgv: ['--conditions=source'] });
    const [message] = (await once(child, 'message')) as [{ port: number }];
    return new CalleeProcess(child, message.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

describe('the death of a callee', () => {
  it('by SIGKILL is found from what the machine shows, long before the deadline', async () => {
    await using callee = await CalleeProcess.start();
    // A deadline that cannot pass within the test: only the evidence of the death can end it.
    await using caller = await Caller.connect(callee.port, { heartbeatMs: 250, deadlineMs: 600_000 });
    caller.node.launch([aLaunch(1, 'hang'), aLaunch(2, 'echo', { outputs: [2] })]);
    await caller.until(({ outcomes }) => outcomes.size === 1);
    callee.child.kill('SIGKILL');
    await caller.until(({ lost }) => lost !== undefined);
    expect(caller.told.lost).not.toContain('no heartbeat for');
  });

  it('that only stands still is found by its silence, and what it says later is not heard', async () => {
    await using callee = await CalleeProcess.start();
    await using caller = await Caller.connect(callee.port, { heartbeatMs: 50, deadlineMs: 500 });
    caller.node.launch([aLaunch(1, 'echo', { outputs: [1] })]);
    await caller.until(({ outcomes }) => outcomes.size === 1);
    callee.child.kill('SIGSTOP');
    caller.node.launch([aLaunch(2, 'echo', { outputs: [2] })]);
    await caller.until(({ lost }) => lost !== undefined);
    expect(caller.told.lost).toContain('no heartbeat for');
    callee.child.kill('SIGCONT');
    expect(caller.told.outcomes.has(2 as InvocationId)).toBe(false);
  });

  it('is not concluded from an event loop that is busy for longer than the deadline', async () => {
    await using callee = await CalleeProcess.start();
    await using caller = await Caller.connect(callee.port, { heartbeatMs: 50, deadlineMs: 500 });
    caller.node.launch([aLaunch(1, 'busy', { outputs: [1] })]);
    await caller.until(({ outcomes, lost }) => outcomes.size === 1 || lost !== undefined);
    expect(caller.told.lost).toBeUndefined();
    expect(caller.told.outcomes.get(1 as InvocationId)?.[0]?.status).toBe('completed');
  });
});
