import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { openDatabase } from '../../../src/controller/store/database.ts';
import { tempDir } from '../../support/temp-dir.ts';

const controller = (address: string) => ({
  address,
  name: 'x'.repeat(200),
  owner: 'o',
  domain: null,
  registered_at: 1,
  expires_at: 1,
});

it('answers a transaction only when others can read what it wrote', async () => {
  using folder = tempDir('commits');
  const url = join(folder.path, 'a.db');
  await using database = await openDatabase({ url });
  using outside = new DatabaseSync(url, { readOnly: true });
  const count = outside.prepare('select count(*) as n from controllers where address = ?');
  await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      await database.transaction((query) =>
        query
          .insertInto('controllers')
          .values(controller(`a${index}`))
          .execute(),
      );
      expect(count.get(`a${index}`)).toEqual({ n: 1 });
    }),
  );
});

it('undoes a failed transaction alone, in the middle of others', async () => {
  using folder = tempDir('commits');
  await using database = await openDatabase({ url: join(folder.path, 'a.db') });
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, (_, index) =>
      database.transaction(async (query) => {
        await query
          .insertInto('controllers')
          .values(controller(`a${index}`))
          .execute();
        if (index % 3 === 0) throw new Error('changed my mind');
      }),
    ),
  );
  const kept = await database.query.selectFrom('controllers').select('address').execute();
  const expected = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [`a${index}`] : []));
  expect(expected).toHaveLength(66);
  expect(kept.map(({ address }) => address).sort()).toEqual(expected.sort());
});

it('answers single writes in between when they are durable too', async () => {
  using folder = tempDir('commits');
  const url = join(folder.path, 'a.db');
  await using database = await openDatabase({ url });
  using outside = new DatabaseSync(url, { readOnly: true });
  const count = outside.prepare('select count(*) as n from controllers where address = ?');
  await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const insert = database.query.insertInto('controllers').values(controller(`a${index}`));
      if (index % 2 === 0) await insert.execute();
      else
        await database.transaction((query) =>
          query
            .insertInto('controllers')
            .values(controller(`a${index}`))
            .execute(),
        );
      expect(count.get(`a${index}`)).toEqual({ n: 1 });
    }),
  );
});

it('tells everybody who shared a commit when the disk was full, and goes on when it is not', async () => {
  using folder = tempDir('commits');
  await using database = await openDatabase({ url: join(folder.path, 'a.db') });
  const pages = await sql<{ page_count: number }>`pragma page_count`.execute(database.query);
  await sql`pragma max_page_count = ${sql.raw(String(pages.rows[0]!.page_count + 2))}`.execute(database.query);
  const fill = (from: number) =>
    Promise.allSettled(
      Array.from({ length: 200 }, (_, index) =>
        database.transaction((query) =>
          query
            .insertInto('controllers')
            .values(controller(`a${from + index}`))
            .execute(),
        ),
      ),
    );
  const results = await fill(0);
  const failed = results.filter(({ status }) => status === 'rejected');
  expect(failed.length).toBeGreaterThan(0);
  for (const result of failed)
    expect(result).toMatchObject({ reason: { code: 'ERR_DATABASE_UNAVAILABLE', retryable: true } });
  const kept = await database.query.selectFrom('controllers').select('address').execute();
  const answered = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [`a${index}`] : []));
  expect(kept.map(({ address }) => address).sort()).toEqual(answered.sort());
  await sql`pragma max_page_count = 100000`.execute(database.query);
  expect((await fill(1000)).every(({ status }) => status === 'fulfilled')).toBe(true);
});
