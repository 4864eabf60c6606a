import { writes } from '../../src/runtime/model/access.ts';
import type { ModelProgram, ModelTask } from '../../src/simulator/index.ts';
import { Timeline } from '../../src/simulator/timeline.ts';

interface Task {
  readonly model: ModelTask;
  missing: number;
  isDone: boolean;
  readonly readers: Task[];
}

const EVENTS_A_TASK = 3;

/** Starts whatever is ready, first come first served, when a slot is free. Gives events for each second of processor time. */
export function listSchedule(program: ModelProgram, slots: number): number {
  const before = process.threadCpuUsage();
  const tasks = submit(program);
  let free = slots;
  let now = 0;
  let ended = 0;
  const timeline = new Timeline<Task>();
  const ready = tasks.filter((task) => task.missing === 0);
  for (let next = 0; ended < tasks.length; ) {
    for (; free > 0 && next < ready.length; free--, next++) timeline.add(now + ready[next]!.model.ms, ready[next]!);
    now = timeline.next;
    const task = timeline.take();
    task.isDone = true;
    free += 1;
    ended += 1;
    for (const reader of task.readers) if (--reader.missing === 0) ready.push(reader);
  }
  const { user, system } = process.threadCpuUsage(before);
  return (EVENTS_A_TASK * ended * 1e6) / (user + system);
}

function submit(program: ModelProgram): Task[] {
  const tasks: Task[] = [];
  const writers = new Map<number, Task>();
  for (const step of program.steps()) {
    if ('release' in step) {
      writers.delete(step.release);
      continue;
    }
    const task: Task = { model: step.task, missing: 0, isDone: false, readers: [] };
    for (const { handle, direction } of step.task.accesses) {
      const writer = writes(direction) ? undefined : writers.get(handle);
      if (writer === undefined) continue;
      writer.readers.push(task);
      task.missing += 1;
    }
    for (const { handle, direction } of step.task.accesses) if (writes(direction)) writers.set(handle, task);
    tasks.push(task);
  }
  return tasks;
}
