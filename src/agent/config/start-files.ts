import { resolve } from 'node:path';
import type { NewResource, NodeDescription, ProcessorKind } from '../../contracts/agent/model.ts';
import { readCompssProject } from './compss-project.ts';
import { readPoolFile } from './pool-file.ts';
import { type Durations, readProfile } from './profile-file.ts';

export interface StartFileNames {
  readonly name: string;
  readonly pool?: string | undefined;
  readonly project?: string | undefined;
  readonly resources?: string | undefined;
  readonly comm?: string | undefined;
  readonly inputProfile?: string | undefined;
}

/** What an agent reads once, when it starts. */
export interface StartFiles {
  readonly pool: readonly NewResource[];
  readonly profiles?: Durations;
  /** Capacity of the agent, for what no setting says. */
  readonly master?: NodeDescription;
  /** What the files name and an agent cannot use. */
  readonly skipped: readonly string[];
}

/** Throws ERR_CONFIG_INVALID. */
export function readStartFiles(names: StartFileNames, cwd: string): StartFiles {
  const { name, pool, project, resources, comm, inputProfile } = names;
  const compss =
    project === undefined
      ? { nodes: [], skipped: [] }
      : readCompssProject({
          project: resolve(cwd, project),
          ...(resources === undefined ? {} : { resources: resolve(cwd, resources) }),
          ...(comm === undefined ? {} : { adaptor: comm }),
        });
  return {
    ...compss,
    pool: [...compss.nodes, ...(pool === undefined ? [] : readPoolFile(resolve(cwd, pool)))],
    ...(inputProfile === undefined ? {} : { profiles: readProfile(resolve(cwd, inputProfile), name) }),
  };
}

/** Undefined when no processors are named at all. */
export function unitsOf(master: NodeDescription | undefined, kind: ProcessorKind): number | undefined {
  if (master === undefined || master.processors.length === 0) return undefined;
  return master.processors.reduce((sum, { type, units }) => sum + (type === kind ? units : 0), 0);
}
