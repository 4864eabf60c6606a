import { WorkerProcess } from '../support/worker-process.ts';
import { adaptorSuite } from './adaptor.ts';

adaptorSuite({
  scheme: 'grpc-worker',
  start: (options) => WorkerProcess.start(options),
  nestedTasks: false,
  survivesCuts: true,
});
