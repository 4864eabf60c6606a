import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file, task, waitOn } from 'metakernel';

const upper = task(
  { name: 'upper', params: [{ type: 'file' }, { type: 'file', direction: 'OUT' }], returns: 0 },
  (from: string, to: string): void => writeFileSync(to, readFileSync(from, 'utf8').toUpperCase()),
);
const sign = task({ name: 'sign', params: [{ type: 'file', direction: 'INOUT' }], returns: 0 }, (path: string): void =>
  writeFileSync(path, `${readFileSync(path, 'utf8')}!`),
);

export async function main(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'metakernel-guide-'));
  try {
    const [from, to] = [join(folder, 'from.txt'), join(folder, 'to.txt')];
    writeFileSync(from, 'hello');
    upper(from, to); // the task may run elsewhere: it gets paths of its own, with the content there
    sign(to);
    const path = await waitOn(file(to)); // brings the last version to its path
    return readFileSync(path, 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
