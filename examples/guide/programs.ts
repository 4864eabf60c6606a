import { task, waitOn } from 'metakernel';

/** The function, or a program on nodes with that software (`--software=SHELL`): the scheduler chooses. */
const times = task(
  {
    name: 'times',
    implementations: [
      {
        language: 'BINARY',
        module: 'sh',
        method: '',
        settings: { args: ['-c', 'exit $(($0 * $1))', '{{0}}', '{{1}}'], failByExitValue: false },
        constraints: { software: ['SHELL'] },
      },
    ],
  },
  (a: number, b: number): number => a * b,
);

export const main = (): Promise<number> => waitOn(times(6, 7));
