import { describe, expect, it } from 'vitest';
import { parseDeclaration, type TaskOptions } from '../../../src/runtime/program/declaration.ts';
import type { TaskConstraints } from '../../../src/runtime/program/task-constraints.ts';

const declare = (options: object) =>
  parseDeclaration({ name: 'solve', ...options } as TaskOptions, () => undefined, undefined);

const constraintsOf = (constraints: TaskConstraints) =>
  declare({ constraints }).element.implementations[0]?.constraints;

describe('the declaration of a task', () => {
  it('keeps constraints as they are, and takes computingUnits for CPU units', () => {
    const constraints: TaskConstraints = {
      processors: [{ type: 'GPU', units: 1, architecture: 'sm_90' }],
      memoryGb: 1.5,
      operatingSystem: { type: 'Linux' },
      software: ['ffmpeg'],
    };
    expect(constraintsOf(constraints)).toEqual(constraints);
    expect(constraintsOf({ computingUnits: 4 })).toEqual({ processors: [{ type: 'CPU', units: 4 }] });
    expect(constraintsOf({ ...constraints, computingUnits: 2 })?.processors).toEqual([
      { type: 'GPU', units: 1, architecture: 'sm_90' },
      { type: 'CPU', units: 2 },
    ]);
  });

  it.each([
    [{ memorySize: 4 }, 'constraints.memorySize is invalid: is not known; known: computingUnits, memoryGb'],
    [{ memoryGb: '4' }, 'constraints.memoryGb is invalid: must be a number from 0 up'],
    [{ computingUnits: 1.5 }, 'constraints.computingUnits is invalid: must be a whole number'],
    [{ software: 'ffmpeg' }, 'constraints.software is invalid: must be a list of texts'],
    [{ operatingSystem: { kind: 'Linux' } }, 'constraints.operatingSystem.kind is invalid: is not known'],
    [{ processors: [{ type: 'TPU', units: 1 }] }, 'constraints.processors[0].type is invalid: must be one of CPU, GPU'],
    [{ processors: [{ type: 'GPU' }] }, 'constraints.processors[0].units is invalid: is missing'],
    [{ processors: [{ units: 1 }], computingUnits: 1 }, 'constraints.processors[0] is invalid: asks for CPU units'],
  ])('refuses %j', (constraints, message) => {
    expect(() => declare({ constraints })).toThrow(`Task solve: ${message}`);
  });

  it('checks computed constraints when they are computed', () => {
    const { constraintsOf: compute } = declare({ constraints: (size: number) => ({ computingUnits: size }) });
    expect(compute?.(3)).toEqual({ processors: [{ type: 'CPU', units: 3 }] });
    expect(() => compute?.(-1)).toThrow('constraints.computingUnits is invalid');
  });

  it('refuses options that it does not know', () => {
    expect(() => declare({ timeout: 5 })).toThrow(
      'Task solve: timeout is invalid: is no option of a task; known: name,',
    );
  });
});
