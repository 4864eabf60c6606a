import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Modules that tests of Python programs use, and the Debian package of each. */
const PACKAGES = {
  numpy: 'python3-numpy',
  scipy: 'python3-scipy',
  sklearn: 'python3-sklearn',
  dill: 'python3-dill',
  pandas: 'python3-pandas',
} as const;

export type PythonModule = keyof typeof PACKAGES;

/** Programs that tests start, and the Debian package of each. */
const PROGRAMS = { mpirun: 'openmpi-bin', '/usr/sbin/sshd': 'openssh-server' } as const;

const INSTALL_MS = 300_000;
const DEBIAN = '/usr/bin/python3';

export interface PreparedPython {
  readonly interpreter: string;
  /** Why a module that was asked for is not there; undefined when all are. */
  readonly problem: string | undefined;
}

/**
 * An interpreter with these modules. What is missing is installed as Debian packages where this process may do so; several
 * that ask at once wait for each other.
 */
export function preparePython(modules: readonly PythonModule[]): PreparedPython {
  const chosen = process.env['METAKERNEL_PYTHON'];
  if (chosen !== undefined) return { interpreter: chosen, problem: missingIn(chosen, modules) };
  if (!existsSync(DEBIAN)) return { interpreter: 'python3', problem: missingIn('python3', modules) };
  if (missingIn(DEBIAN, modules) === undefined) return { interpreter: DEBIAN, problem: undefined };
  const failed = install(modules.map((module) => PACKAGES[module]));
  const missing = missingIn(DEBIAN, modules);
  return { interpreter: DEBIAN, problem: missing === undefined ? undefined : `${missing}${failed}` };
}

/** Installs what is missing of these programs where this process may; gives why one is not there. */
export function preparePrograms(programs: readonly (keyof typeof PROGRAMS)[]): string | undefined {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  if (missing.length === 0) return undefined;
  const failed = install(missing.map((program) => PROGRAMS[program]));
  return failed === '' ? undefined : `there is no ${missing.join(', no ')}${failed}`;
}

function missingIn(interpreter: string, modules: readonly PythonModule[]): string | undefined {
  const code = 'import importlib.util, sys; print(*[m for m in sys.argv[1:] if importlib.util.find_spec(m) is None])';
  const { stdout, error } = spawnSync(interpreter, ['-c', code, ...modules], { encoding: 'utf8' });
  if (error !== undefined) return `${interpreter} cannot be run: ${error.message}`;
  const missing = stdout.trim();
  return missing === '' ? undefined : `${interpreter} has no ${missing.replaceAll(' ', ', no ')}`;
}

/** Why it could not be done, as the end of a sentence; empty when it was. */
function install(packages: readonly string[]): string {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return ' (not root on Debian: nothing is installed)';
  const options = '-y --no-install-recommends -o DPkg::Lock::Timeout=240';
  const command = `apt-get install ${options} ${packages.join(' ')}`;
  const { status, stderr } = spawnSync(
    'flock',
    [join(tmpdir(), 'metakernel-apt.lock'), 'sh', '-c', `${command} || { apt-get update && ${command}; }`],
    { encoding: 'utf8', timeout: INSTALL_MS, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } },
  );
  return status === 0 ? '' : ` (apt-get: ${stderr.trim().split('\n').at(-1) ?? 'failed'})`;
}
