import { RunningAgent } from '../support/running-agent.ts';
import { adaptorSuite, type FarNode, type FarOptions } from './adaptor.ts';

/** `metakernel agent start`, reached over its REST interface alone. */
async function startFar({ name, cpus, codePath, port = 0 }: FarOptions): Promise<FarNode> {
  const agent = await RunningAgent.start({ name, cpus, appPath: codePath, flags: [`--rest-port=${port}`] });
  const { pid, restPort } = agent.listening;
  return {
    pid,
    port: restPort,
    state: () => Promise.resolve(undefined),
    emptied: () => agent.emptied(),
    kill: (signal) => void process.kill(pid, signal),
    killed: async () => {
      if (agent.process.exit() !== undefined) return;
      process.kill(pid, 'SIGKILL');
      await agent.process.exited;
    },
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}

adaptorSuite({
  scheme: 'rest',
  start: startFar,
  nestedTasks: true,
  survivesCuts: false,
  bringsResultsHome: true,
  caller: { rest: true },
});
