import { AgentProcess } from '../support/agent-process.ts';
import { adaptorSuite } from './adaptor.ts';

adaptorSuite({
  scheme: 'grpc-agent',
  start: (options) => AgentProcess.start(options),
  nestedTasks: true,
  survivesCuts: true,
});
