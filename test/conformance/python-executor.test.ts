import { join } from 'node:path';
import { createPythonExecutor } from '../../src/runtime/executor/python-executor.ts';
import { executorSuite } from './executor.ts';

executorSuite(
  'python',
  (host, { slots, graceMs }) =>
    createPythonExecutor(host, {
      slots,
      codePaths: [join(import.meta.dirname, 'fixtures')],
      node: 'here',
      ...(graceMs === undefined ? {} : { graceMs }),
    }),
  { language: 'PYTHON', module: 'suite_tasks', errorName: 'TypeError', asynchronous: false, sharesInputs: false },
);
