/**
 * PYTHON tasks with a Python main and two workers: no-ops by the second, one wait for 10,000 futures, and arrays of 64 MiB
 * that one task made and another reads. Baselines run in the same interpreter: a pool of two processes, and one memcpy.
 */
import { join } from 'node:path';
import { LocalAgent } from '../test/support/local-agent.ts';
import { pythonWith } from '../test/support/python.ts';
import { benchmark } from './support/report.ts';

const TASKS = 20_000;
const FUTURES = 10_000;
const MEBIBYTES = 64;

const interpreter = pythonWith('numpy');
if (interpreter === undefined) throw new Error('no python3 with numpy is installed here');
await using agent = new LocalAgent({
  cpus: 2,
  codePath: join(import.meta.dirname, 'programs'),
  module: 'python_tasks',
  language: 'PYTHON',
  interpreter,
});

const seconds = async (method: string, count: number): Promise<number> => Number(await agent.call(method, [count]));
const perSecond = async (method: string): Promise<number> => TASKS / (await seconds(method, TASKS));

await seconds('noops', TASKS);
await benchmark({
  name: 'noop-python',
  unit: 'tasks/s',
  baselineName: 'multiprocessing.Pool(2).map, a task a message',
  measure: () => perSecond('noops'),
  baseline: () => perSecond('noops_in_pool'),
});
await benchmark({
  name: 'noop-python-executor',
  unit: 'tasks/s',
  baselineName: 'ProcessPoolExecutor(2).map, a task a message',
  measure: () => perSecond('noops'),
  baseline: () => perSecond('noops_in_executor'),
});
await benchmark({
  name: 'wait-python',
  unit: 'ms',
  baselineName: 'result() of as many futures of ProcessPoolExecutor, all done',
  measure: async () => 1000 * (await seconds('wait_all', FUTURES)),
  baseline: async () => 1000 * (await seconds('results_of_executor', FUTURES)),
  details: () => ({ futures: FUTURES }),
});
await benchmark({
  name: 'consume-python',
  unit: 'ms',
  baselineName: 'numpy.copyto of as much',
  measure: async () => 1000 * (await seconds('consumes', MEBIBYTES)),
  baseline: async () => 1000 * (await seconds('copies', MEBIBYTES)),
  details: () => ({ MiB: MEBIBYTES }),
});
