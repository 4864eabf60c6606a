import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

let known: string | undefined;

/** Version of this package: from the package.json above this file, in the sources and in the bundle. */
export function packageVersion(): string {
  known ??= findVersion(import.meta.dirname);
  return known;
}

function findVersion(folder: string): string {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
    if (manifest['name'] === 'metakernel') return String(manifest['version']);
  } catch {
    // Not in this folder: the one above is next.
  }
  const above = dirname(folder);
  return above === folder ? 'unknown' : findVersion(above);
}
