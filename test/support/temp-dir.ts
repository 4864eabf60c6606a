import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of its own, gone at the end of the scope: `using dir = tempDir('spill')`. */
export function tempDir(label: string, parent = tmpdir()): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(parent, `metakernel-test-${label}-`));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
