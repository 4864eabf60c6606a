import { createHash } from 'node:crypto';
import { RuntimeError } from '../../common/errors.ts';
import type { Query } from '../store/database.ts';
import type { GroupId } from './job.ts';

/** A request that its sender may repeat: the same key from the same subject makes one deployment. */
export interface RepeatableRequest {
  readonly key: string;
  readonly subject: string;
  readonly digest: string;
}

export const repeatable = (key: string, subject: string, content: string): RepeatableRequest => ({
  key,
  subject,
  digest: createHash('sha256').update(content).digest('base64url'),
});

/** The group that the first request made, if there was one. */
export async function answeredBefore(query: Query, request: RepeatableRequest): Promise<GroupId | undefined> {
  const row = await query
    .selectFrom('idempotency_keys')
    .select(['digest', 'group_id'])
    .where('subject', '=', request.subject)
    .where('key', '=', request.key)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (row.digest !== request.digest) throw new RuntimeError('ERR_IDEMPOTENCY_MISMATCH', { key: request.key });
  return row.group_id as GroupId;
}

/** False when another request took the key in the meantime: nothing of this one may stay then. */
export async function takeKey(query: Query, request: RepeatableRequest, group: GroupId, now: number): Promise<boolean> {
  const taken = await query
    .insertInto('idempotency_keys')
    .values({ ...request, group_id: group, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .returning('key')
    .executeTakeFirst();
  return taken !== undefined;
}

export async function forgetKeys(query: Query, before: number): Promise<void> {
  await query.deleteFrom('idempotency_keys').where('created_at', '<', before).execute();
}
