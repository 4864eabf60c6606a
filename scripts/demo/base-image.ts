import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { docker, output } from './docker.ts';

/** The C library loads these by name and does not link them. */
const BY_NAME = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'];

/**
 * Makes an image of nothing but the Node.js that runs this and the libraries it is linked with: no registry is asked, no
 * distribution is unpacked.
 */
export async function importBaseImage(tag: string, signal: AbortSignal): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mk-base-'));
  const root = join(folder, 'root');
  try {
    copyTo(root, process.execPath, '/bin/node');
    const libraries = await librariesOf(process.execPath, signal);
    for (const library of libraries) copyTo(root, library, library);
    for (const name of BY_NAME) {
      const library = join(dirname(libraries[0]!), name);
      if (existsSync(library)) copyTo(root, library, library);
    }
    mkdirSync(join(root, 'etc'));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/node\nagent:x:1000:1000::/app:/bin/node\n');
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nagent:x:1000:\n');
    writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
    mkdirSync(join(root, 'tmp'));
    chmodSync(join(root, 'tmp'), 0o1777);
    const archive = join(folder, 'base.tar');
    await output('tar', ['--owner=0', '--group=0', '-C', root, '-cf', archive, '.'], signal);
    await docker(['import', archive, tag], signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Paths of the shared libraries and of the loader, as the program names them. */
async function librariesOf(program: string, signal: AbortSignal): Promise<string[]> {
  const lines = (await output('ldd', [program], signal)).split('\n');
  return lines.flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []).sort(loaderLast);
}

const isLoader = (path: string): boolean => /\/ld-linux/.test(path);
const loaderLast = (a: string, b: string): number => Number(isLoader(a)) - Number(isLoader(b));

function copyTo(root: string, from: string, to: string): void {
  const target = join(root, to);
  mkdirSync(dirname(target), { recursive: true });
  // Follows links: the file comes under the name that is asked for.
  copyFileSync(from, target);
}
