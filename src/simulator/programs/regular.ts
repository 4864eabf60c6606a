/** Programs of equal tasks: what Task Bench calls trivial, stencil_1d and random_nearest, and the extremes beside them. */
import type { Access } from '../../runtime/model/access.ts';
import { accessTo, type ModelProgram, type ProgramStep } from '../program.ts';
import { type ProgramShape, runTime } from './shape.ts';

const ELEMENTS = [{ name: 'step', cpus: 1 }];

type Reads = (layer: number, column: number) => readonly number[];

/** Layers of `width` tasks; a task reads what tasks of the layer before have written. */
function layered(name: string, shape: ProgramShape, width: number, reads: Reads): ModelProgram {
  const layers = Math.max(1, Math.round(shape.tasks / width));
  const datum = (layer: number, column: number): number => layer * width + column;
  function* steps(): Generator<ProgramStep> {
    for (let layer = 0; layer < layers; layer++) {
      for (let column = 0; column < width; column++) {
        const accesses: Access[] = layer === 0 ? [] : reads(layer, column).map((from) => inOf(datum(layer - 1, from)));
        accesses.push(accessTo(datum(layer, column), 'OUT'));
        yield { task: { element: 0, accesses, bytes: [shape.bytes], ms: runTime(shape) } };
      }
      if (layer === 0) continue;
      for (let column = 0; column < width; column++) yield { release: datum(layer - 1, column) };
    }
  }
  return { name, elements: ELEMENTS, tasks: layers * width, steps };
}

const inOf = (datum: number): Access => accessTo(datum, 'IN');

/** Columns of a program with so many tasks: as many as it has layers. */
const square = ({ tasks }: ProgramShape): number => Math.max(1, Math.round(Math.sqrt(tasks)));

/** No task depends on another. */
export function independent(shape: ProgramShape): ModelProgram {
  function* steps(): Generator<ProgramStep> {
    for (let task = 0; task < shape.tasks; task++) {
      const accesses: readonly Access[] = [accessTo(task, 'OUT')];
      yield { task: { element: 0, accesses, bytes: [shape.bytes], ms: runTime(shape) } };
      yield { release: task };
    }
  }
  return { name: `${shape.tasks} independent tasks`, elements: ELEMENTS, tasks: shape.tasks, steps };
}

export const chain = (shape: ProgramShape): ModelProgram => layered(`chain of ${shape.tasks}`, shape, 1, () => [0]);

/** Each task reads its own column and both neighbours. */
export function stencil(shape: ProgramShape): ModelProgram {
  const width = square(shape);
  const reads: Reads = (_, column) => [column - 1, column, column + 1].filter((one) => one >= 0 && one < width);
  return layered(`stencil of ${width} columns`, shape, width, reads);
}

/** Each task reads up to three of the layer before, near its own column. */
export function randomGraph(shape: ProgramShape): ModelProgram {
  const width = square(shape);
  const { random } = shape;
  const reads: Reads = (_, column) => {
    const from = new Set<number>();
    for (let reader = random.below(4); reader > 0; reader--) {
      const near = column + random.below(11) - 5;
      from.add(Math.min(width - 1, Math.max(0, near)));
    }
    return [...from];
  };
  return layered(`random graph of ${width} columns`, shape, width, reads);
}

/** Pairs are joined until one is left, as in a reduction. */
export function tree(shape: ProgramShape): ModelProgram {
  const leaves = Math.max(1, Math.ceil((shape.tasks + 1) / 2));
  function* steps(): Generator<ProgramStep> {
    const step = (read: readonly number[], written: number): ProgramStep => ({
      task: {
        element: 0,
        accesses: [...read.map(inOf), accessTo(written, 'OUT')],
        bytes: [shape.bytes],
        ms: runTime(shape),
      },
    });
    for (let leaf = 0; leaf < leaves; leaf++) yield step([], leaf);
    for (let left = 0, written = leaves; left + 1 < written; left += 2, written++) {
      yield step([left, left + 1], written);
      yield { release: left };
      yield { release: left + 1 };
      if (written === 2 * leaves - 2) return;
    }
  }
  return { name: `tree of ${leaves} leaves`, elements: ELEMENTS, tasks: 2 * leaves - 1, steps };
}
