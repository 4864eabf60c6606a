import { randomUUID } from 'node:crypto';
import { RuntimeError } from '../../../common/errors.ts';
import type { ContainerName } from './guarded-process.ts';
import { lookUp } from './places.ts';
import type { ProgramSettings } from './program-settings.ts';

export const CONTAINER_ENGINES = ['docker', 'podman'] as const;

/** Path of an engine's client: the one asked for, else the first there is. Throws ERR_CONTAINER_UNAVAILABLE. */
export function findEngine(asked: ProgramSettings['engine'], path: string): string {
  for (const engine of asked === undefined ? CONTAINER_ENGINES : [asked]) {
    const found = lookUp(engine, path);
    if (found !== undefined) return found;
  }
  throw new RuntimeError('ERR_CONTAINER_UNAVAILABLE', { engine: asked ?? CONTAINER_ENGINES.join(' or ') });
}

/** Whether containers can be asked for at all; whether the engine's daemon answers shows when one is. */
export const hasEngine = (path: string): boolean =>
  CONTAINER_ENGINES.some((engine) => lookUp(engine, path) !== undefined);

export interface ContainerRun {
  readonly settings: ProgramSettings;
  readonly engine: string;
  /** Further words of the agent's configuration. */
  readonly options: readonly string[];
  readonly workingDir: string;
  /** Folders seen under their own paths: writable, then read-only. */
  readonly writable: readonly string[];
  readonly readOnly: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly interactive: boolean;
  readonly command: readonly string[];
}

/** The engine's command line. Files lie at the same paths inside; what the container writes belongs to the agent's user. */
export function containerCommand(run: ContainerRun): { readonly args: string[]; readonly container: ContainerName } {
  const { settings, engine, environment, workingDir } = run;
  const name = `metakernel-${randomUUID()}`;
  const args = [
    'run',
    '--rm',
    `--name=${name}`,
    `--user=${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
    `--workdir=${workingDir}`,
    ...(run.interactive ? ['--interactive'] : []),
    ...new Set(run.writable.map((path) => `--volume=${path}:${path}`)),
    ...new Set(run.readOnly.map((path) => `--volume=${path}:${path}:ro`)),
    ...Object.entries(environment).map(([key, value]) => `--env=${key}=${value}`),
    ...run.options,
    ...settings.options,
    settings.image ?? '',
    ...run.command,
  ];
  return { args, container: { engine, name } };
}
