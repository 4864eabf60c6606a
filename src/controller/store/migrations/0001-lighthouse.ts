import type { Migration } from '../migration.ts';

export const lighthouse: Migration = {
  async up(database) {
    await database.schema
      .createTable('controllers')
      .addColumn('address', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('owner', 'text', (column) => column.notNull())
      .addColumn('domain', 'text', (column) => column.unique())
      .addColumn('registered_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .execute();
    await database.schema.createIndex('controllers_by_expiry').on('controllers').column('expires_at').execute();
  },
  async down(database) {
    await database.schema.dropTable('controllers').execute();
  },
};
