import type { Migration } from '../migration.ts';

export const audit: Migration = {
  async up(database) {
    await database.schema
      .createTable('audit')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('service', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('username', 'text', (column) => column.notNull())
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('target', 'text', (column) => column.notNull())
      .addColumn('status', 'integer', (column) => column.notNull())
      .addColumn('request_id', 'text', (column) => column.notNull())
      .execute();
    await database.schema.createIndex('audit_in_order').on('audit').columns(['at', 'id']).execute();
    await database.schema.createIndex('audit_of_subject').on('audit').columns(['subject', 'at', 'id']).execute();
  },
  async down(database) {
    await database.schema.dropTable('audit').execute();
  },
};
