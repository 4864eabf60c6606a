import type { VersionId } from '../model/ids.ts';
import type { DataKey } from '../ports.ts';

/** Name of a version outside the agent that made it. */
export const dataKey = (incarnation: string, version: VersionId): DataKey => `${incarnation}/${version}`;

/** Undefined when it is not one. */
export function parseDataKey(key: DataKey): { readonly incarnation: string; readonly version: VersionId } | undefined {
  const slash = key.lastIndexOf('/');
  const digits = key.slice(slash + 1);
  const version = Number(digits);
  if (slash < 1 || !/^\d{1,16}$/.test(digits) || !Number.isSafeInteger(version)) return undefined;
  return { incarnation: key.slice(0, slash), version: version as VersionId };
}
