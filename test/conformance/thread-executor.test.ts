import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createThreadExecutor } from '../../src/runtime/executor/thread-executor.ts';
import { executorSuite } from './executor.ts';

const source = join(import.meta.dirname, '../../src');

executorSuite('thread', (host, { slots, checkInputs = false, graceMs }) =>
  createThreadExecutor(host, {
    slots,
    checkInputs,
    codePaths: [join(import.meta.dirname, 'fixtures')],
    publicEntry: pathToFileURL(join(source, 'index.ts')).href,
    workerEntry: join(source, 'runtime/executor/worker-entry.ts'),
    ...(graceMs === undefined ? {} : { graceMs }),
  }),
);
