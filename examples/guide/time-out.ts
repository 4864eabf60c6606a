import { type RuntimeError, task, waitOn } from 'metakernel';

const endless = task({ name: 'endless', timeOut: 100, onFailure: 'FAIL' }, (): never => {
  for (;;);
});

export async function main(): Promise<string> {
  try {
    return await waitOn(endless());
  } catch (error) {
    return (error as RuntimeError).code;
  }
}
