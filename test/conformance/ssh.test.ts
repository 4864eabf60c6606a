import { afterAll, test } from 'vitest';
import { buildBundle } from '../support/bundle.ts';
import { Sshd, SshFiles, sshdMissing } from '../support/sshd.ts';
import { adaptorSuite, type FarNode, type FarOptions } from './adaptor.ts';

/** A host with sshd and nothing of ours: the worker comes with the first connection. */
async function startHost(files: SshFiles, { port }: FarOptions): Promise<FarNode> {
  const sshd = await Sshd.start(files, port === undefined ? {} : { port });
  return {
    // None before the first connection.
    get pid() {
      return sshd.workers.at(-1) ?? 0;
    },
    port: sshd.port,
    state: () => Promise.resolve(undefined),
    kill: (signal) => {
      for (const pid of sshd.workers) process.kill(pid, signal);
    },
    killed: () => sshd.killed(),
    [Symbol.asyncDispose]: () => sshd[Symbol.asyncDispose](),
  };
}

if (sshdMissing === undefined) {
  const bundle = buildBundle();
  const files = new SshFiles();
  afterAll(() => {
    files[Symbol.dispose]();
    bundle[Symbol.dispose]();
  });
  adaptorSuite({
    scheme: 'ssh',
    start: (options) => startHost(files, options),
    nestedTasks: false,
    survivesCuts: false,
    properties: { ...files.properties, Cpus: '2' },
    caller: { bundle: bundle.path },
  });
} else {
  // Where sshd cannot be installed (no root, no Debian) the run says so: `sshdMissing` is the reason that is printed.
  test('adaptor ssh', (context) => context.skip(sshdMissing));
}
