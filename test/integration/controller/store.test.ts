import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { openDatabase } from '../../../src/controller/store/database.ts';
import { isUniqueViolation } from '../../../src/controller/store/database-error.ts';
import { MIGRATIONS } from '../../../src/controller/store/migrations/index.ts';
import { onEveryDatabase, onPostgres } from '../../support/databases.ts';

const controller = (address: string, domain: string | null = null) => ({
  address,
  name: address,
  owner: 'o',
  domain,
  registered_at: 1_700_000_000_000,
  expires_at: 1_700_000_060_000,
});

onEveryDatabase('the store', (source) => {
  it('is migrated once, also by several that open it at the same time', async () => {
    const url = await source.createUrl();
    const opened = await Promise.all(Array.from({ length: 4 }, () => openDatabase({ url })));
    await using all = new AsyncDisposableStack();
    for (const database of opened) all.use(database);
    const applied = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
      opened[0]!.query,
    );
    expect(applied.rows.map(({ name }) => name)).toEqual(Object.keys(MIGRATIONS));
  });

  it('takes every step back', async () => {
    await using database = await source.open();
    for (const migration of Object.values(MIGRATIONS).reverse()) await migration.down(database.query as never);
    const tables = await database.query.introspection.getTables();
    expect(tables).toEqual([]);
    for (const migration of Object.values(MIGRATIONS)) await migration.up(database.query as never);
    expect((await database.query.introspection.getTables()).map(({ name }) => name)).toContain('jobs');
  });

  it('gives times back as numbers and affected rows as a count', async () => {
    await using database = await source.open();
    await database.query.insertInto('controllers').values(controller('a')).execute();
    const row = await database.query.selectFrom('controllers').selectAll().executeTakeFirstOrThrow();
    expect(row).toEqual(controller('a'));
    const update = database.query.updateTable('controllers').set({ expires_at: 5 });
    expect((await update.where('address', '=', 'a').executeTakeFirst()).numUpdatedRows).toBe(1n);
    expect((await update.where('address', '=', 'b').executeTakeFirst()).numUpdatedRows).toBe(0n);
  });

  it('lets one of many concurrent claims of a domain win', async () => {
    await using database = await source.open();
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        database.query
          .insertInto('controllers')
          .values(controller(`address-${index}`, 'dom1'))
          .onConflict((conflict) => conflict.doNothing())
          .returning('address')
          .executeTakeFirst(),
      ),
    );
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
  });

  it('rolls a failed transaction back and says when a key is taken', async () => {
    await using database = await source.open();
    await database.query.insertInto('controllers').values(controller('a')).execute();
    const failed = database.transaction(async (query) => {
      await query.insertInto('controllers').values(controller('b')).execute();
      await query.insertInto('controllers').values(controller('a')).execute();
    });
    const thrown: unknown = await failed.then(() => undefined).catch((error: unknown) => error);
    expect(isUniqueViolation(thrown)).toBe(true);
    expect(await database.query.selectFrom('controllers').select('address').execute()).toEqual([{ address: 'a' }]);
  });

  it('answers probes', async () => {
    await using database = await source.open();
    expect(await database.probe()).toBeUndefined();
  });
});

onPostgres('the loss of the server', (source) => {
  it('is an error that says so, and is over when the server is back', async () => {
    await using database = await source.open();
    const read = () => database.query.selectFrom('controllers').selectAll().execute();
    await read();
    await source.server().crash();
    await expect(read()).rejects.toMatchObject({ code: 'ERR_DATABASE_UNAVAILABLE', retryable: true });
    expect(await database.probe()).toContain('does not answer');
    await source.server().restart();
    expect(await read()).toEqual([]);
    expect(await database.probe()).toBeUndefined();
  });
});
