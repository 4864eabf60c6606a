import type { Access } from '../model/access.ts';

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/**
 * Stable key of a task: its parent's, its index there, and a digest of what it is called with. A parent that runs again
 * makes the same keys as long as it submits the same calls in the same order.
 */
export function taskKey(
  parent: string,
  seq: number,
  signature: string,
  args: Uint8Array,
  accesses: readonly Access[],
): string {
  let hash = OFFSET;
  for (let i = 0; i < signature.length; i++) hash = Math.imul(hash ^ signature.charCodeAt(i), PRIME);
  for (let i = 0; i < args.length; i++) hash = Math.imul(hash ^ args[i]!, PRIME);
  for (const { handle, direction } of accesses) {
    hash = Math.imul(hash ^ handle, PRIME);
    hash = Math.imul(hash ^ direction.length, PRIME);
  }
  return `${parent}/${seq}.${(hash >>> 0).toString(36)}`;
}
