import type { Migration } from '../migration.ts';

export const promises: Migration = {
  async up(database) {
    await database.schema
      .createTable('placement_promises')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('cluster', 'text', (column) => column.notNull())
      .addColumn('node', 'text', (column) => column.notNull())
      .addColumn('cpu_millis', 'bigint', (column) => column.notNull())
      .addColumn('memory_bytes', 'bigint', (column) => column.notNull())
      .addColumn('devices', 'text', (column) => column.notNull())
      .execute();
    await database.schema.createIndex('placement_promises_by_age').on('placement_promises').column('at').execute();
    await database.schema
      .createTable('placement_turn')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('turns', 'bigint', (column) => column.notNull())
      .execute();
  },
  async down(database) {
    await database.schema.dropTable('placement_turn').execute();
    await database.schema.dropTable('placement_promises').execute();
  },
};
