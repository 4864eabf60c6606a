import { type SqlBool, sql } from 'kysely';
import type { Database, Query } from '../store/database.ts';
import { isUniqueViolation } from '../store/database-error.ts';
import type { ControllerTable } from '../store/schema.ts';

export type Registration = ControllerTable;
export type Claim = Pick<Registration, 'address' | 'name' | 'owner' | 'domain'>;
export type Renewal = Pick<Registration, 'address' | 'name' | 'owner'>;

/** What became of a claim: `registration` is what holds the address or the domain now. */
export type ClaimOutcome =
  | { readonly result: 'added' | 'renewed'; readonly registration: Registration }
  | { readonly result: 'domain-taken' | 'address-taken'; readonly registration: Registration };

export interface LighthouseRepository {
  /** Oldest first, then by address: the same for everybody who asks. */
  list(now: number): Promise<readonly Registration[]>;
  byDomain(domain: string, now: number): Promise<Registration | undefined>;
  claim(claim: Claim, now: number, expiresAt: number): Promise<ClaimOutcome>;
  /** Extends leases that still run; gives the addresses of those it extended. */
  renew(renewals: readonly Renewal[], now: number, expiresAt: number): Promise<ReadonlySet<string>>;
  remove(address: string): Promise<void>;
  byAddress(address: string, now: number): Promise<Registration | undefined>;
  removeExpired(now: number): Promise<number>;
}

export function createLighthouseRepository(database: Database): LighthouseRepository {
  const live = (now: number) => database.query.selectFrom('controllers').selectAll().where('expires_at', '>', now);
  return {
    list: (now) => live(now).orderBy('registered_at').orderBy('address').execute(),
    byDomain: (domain, now) => live(now).where('domain', '=', domain).executeTakeFirst(),
    byAddress: (address, now) => live(now).where('address', '=', address).executeTakeFirst(),
    claim: (claim, now, expiresAt) =>
      againWhenTaken(() =>
        database.transaction((query) => claimIn(query, { ...claim, registered_at: now, expires_at: expiresAt }, now)),
      ),
    renew: (renewals, now, expiresAt) => renewAll(database.query, renewals, now, expiresAt),
    remove: async (address) => {
      await database.query.deleteFrom('controllers').where('address', '=', address).execute();
    },
    removeExpired: async (now) => {
      const removed = await database.query.deleteFrom('controllers').where('expires_at', '<=', now).executeTakeFirst();
      return Number(removed.numDeletedRows);
    },
  };
}

/** Taking a domain for an address that is registered already can lose against a claim that came in between. */
async function againWhenTaken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (isUniqueViolation(thrown)) return work();
    throw thrown;
  }
}

/**
 * The insert decides: of two that claim a domain or an address at once, the second waits for the first and then finds
 * the key taken. What has expired is removed first, so that it holds nothing back.
 */
async function claimIn(query: Query, wanted: Registration, now: number): Promise<ClaimOutcome> {
  await query
    .deleteFrom('controllers')
    .where('expires_at', '<=', now)
    .where((where) => where.or([where('address', '=', wanted.address), where('domain', '=', wanted.domain)]))
    .execute();
  const added = await query
    .insertInto('controllers')
    .values(wanted)
    .onConflict((conflict) => conflict.doNothing())
    .returning('address')
    .executeTakeFirst();
  return added === undefined ? conflictOf(query, wanted) : { result: 'added', registration: wanted };
}

async function conflictOf(query: Query, wanted: Registration): Promise<ClaimOutcome> {
  const held = await query
    .selectFrom('controllers')
    .selectAll()
    .where((where) => where.or([where('address', '=', wanted.address), where('domain', '=', wanted.domain)]))
    .execute();
  const domainHolder = held.find((row) => row.domain !== null && row.domain === wanted.domain);
  if (domainHolder !== undefined && domainHolder.address !== wanted.address) {
    return { result: 'domain-taken', registration: domainHolder };
  }
  const mine = held.find((row) => row.address === wanted.address);
  if (mine === undefined) throw new Error('a key was taken and its holder is gone within one transaction');
  if (mine.owner !== wanted.owner) return { result: 'address-taken', registration: mine };
  const { name, expires_at } = wanted;
  const domain = wanted.domain ?? mine.domain;
  await query
    .updateTable('controllers')
    .set({ name, expires_at, domain })
    .where('address', '=', mine.address)
    .execute();
  return { result: 'renewed', registration: { ...mine, name, expires_at, domain } };
}

/** One statement for many leases. Its length is a power of two, so that few different statements are compiled. */
async function renewAll(
  query: Query,
  renewals: readonly Renewal[],
  now: number,
  expiresAt: number,
): Promise<ReadonlySet<string>> {
  const [first] = renewals;
  if (first === undefined) return new Set();
  const length = 2 ** Math.ceil(Math.log2(renewals.length));
  const padded = [...renewals, ...Array.from({ length: length - renewals.length }, () => first)];
  const rows = sql.join(padded.map(({ address, owner, name }) => sql`(${address}, ${owner}, ${name})`));
  const renewed = await query
    .updateTable('controllers')
    .set({ expires_at: expiresAt })
    .where('expires_at', '>', now)
    .where(sql<SqlBool>`(address, owner, name) in (values ${rows})`)
    .returning('address')
    .execute();
  return new Set(renewed.map(({ address }) => address));
}
