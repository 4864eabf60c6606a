import { describe } from 'vitest';
import { hugeValueSuite } from '../conformance/adaptor.ts';
import { AgentProcess } from '../support/agent-process.ts';
import { WorkerProcess } from '../support/worker-process.ts';

describe('large values between nodes', () => {
  hugeValueSuite({
    scheme: 'grpc-agent',
    start: (options) => AgentProcess.start(options),
    nestedTasks: true,
    survivesCuts: true,
  });
  hugeValueSuite({
    scheme: 'grpc-worker',
    start: (options) => WorkerProcess.start(options),
    nestedTasks: false,
    survivesCuts: true,
  });
});
