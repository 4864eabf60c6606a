import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');
const bin = join(root, 'node_modules/.bin');
const OUT = 'src/contracts/gen';

/** src/contracts/gen from proto/*.proto, by the buf and protoc-gen-es of this checkout; nothing is downloaded. */
export default async function protoCode(): Promise<Map<string, string>> {
  const scratch = await mkdtemp(join(tmpdir(), 'metakernel-proto-'));
  try {
    const buf = join(bin, 'buf');
    await promisify(execFile)(buf, ['lint'], { cwd: root });
    await promisify(execFile)(buf, ['generate', '--output', scratch], { cwd: root });
    const made = join(scratch, OUT);
    const names = (await readdir(made)).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(made, name), 'utf8')));
    return new Map(names.map((name, index) => [`${OUT}/${name}`, texts[index] as string]));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
