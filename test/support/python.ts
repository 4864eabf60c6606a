import { spawnSync } from 'node:child_process';

const PLACES = ['python3', '/usr/bin/python3'];

/** The first interpreter of this machine that has a package; undefined when none has. */
export function pythonWith(name: string): string | undefined {
  return PLACES.find((place) => spawnSync(place, ['-c', `import ${name}`], { stdio: 'ignore' }).status === 0);
}
