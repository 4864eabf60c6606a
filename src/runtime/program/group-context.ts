import { AsyncLocalStorage } from 'node:async_hooks';
import type { Program, ProgramGroup } from './program.ts';

/** Groups that are open around the running code, outermost first. */
const openGroups = new AsyncLocalStorage<readonly ProgramGroup[]>();
const NONE: readonly ProgramGroup[] = [];

/** Until a group exists nobody looks. */
let used = false;

/** Opens a group inside the innermost one; what the running function submits from now on belongs to it. */
export function enterGroup(program: Program, name: string): ProgramGroup {
  used = true;
  const around = openGroups.getStore() ?? NONE;
  const group = program.openGroup(name, around.at(-1));
  openGroups.enterWith([...around, group]);
  return group;
}

export function leaveGroup(group: ProgramGroup): void {
  openGroups.enterWith(currentGroups().filter((other) => other !== group));
}

export const currentGroups = (): readonly ProgramGroup[] => (used ? (openGroups.getStore() ?? NONE) : NONE);
