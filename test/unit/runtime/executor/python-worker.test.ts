import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FrameWriter } from '../../../../src/runtime/executor/python/frame.ts';
import { FROM_PYTHON } from '../../../../src/runtime/executor/python/records.ts';
import { PythonRun } from '../../../../src/runtime/executor/python/run.ts';
import { PythonWorker } from '../../../../src/runtime/executor/python/worker.ts';
import type { CoreId, InvocationId, TaskId } from '../../../../src/runtime/model/ids.ts';
import { tempDir } from '../../../support/temp-dir.ts';

it('an attempt that its process passes over although it could not be taken back is handed back', () => {
  using dir = tempDir('python-worker');
  const refused: PythonRun[] = [];
  const worker = new PythonWorker(
    0,
    { control: join(dir.path, 'control'), output: join(dir.path, 'output') },
    () => undefined,
    {
      started: () => undefined,
      settled: () => undefined,
      output: () => undefined,
      scopeCall: () => undefined,
      frameDone: () => undefined,
      gone: () => undefined,
      refused: (run) => refused.push(run),
    },
  );
  const [kept, passed] = [aRun(0), aRun(1)];
  worker.give(kept, []);
  worker.give(passed, []);
  const frame = new FrameWriter();
  frame.word(FROM_PYTHON.SKIPPED);
  frame.word(passed.index);
  worker.receive(frame.frame().slice(4).buffer as ArrayBuffer);
  expect(refused).toEqual([passed]);
  expect(passed).toMatchObject({ state: 'queued', worker: undefined });
  expect(worker.given).toEqual([kept]);
  // One that was taken back is not handed back a second time.
  worker.give(passed, []);
  expect(worker.takeBack(passed)).toBe(true);
  frame.word(FROM_PYTHON.SKIPPED);
  frame.word(passed.index);
  worker.receive(frame.frame().slice(4).buffer as ArrayBuffer);
  expect(refused).toHaveLength(1);
  worker.exited('the end of the test');
});

const aRun = (number: number): PythonRun =>
  new PythonRun({
    invocation: number as InvocationId,
    task: number as TaskId,
    attempt: 1,
    core: 0 as CoreId,
    signature: 'module#method',
    implementation: { language: 'PYTHON', module: 'module', method: 'method' },
    booking: { cpus: 1, gpus: 0, fpgas: 0, memoryGb: 0 },
    accesses: [],
    inputs: [],
    outputs: [],
    values: [],
    preserveInputs: true,
    gpus: [],
    fpgas: [],
    workingDir: '.',
  });
