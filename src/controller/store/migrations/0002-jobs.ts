import type { Kysely } from 'kysely';
import type { Migration } from '../migration.ts';

export const jobs: Migration = {
  async up(database) {
    await createGroups(database);
    await createJobs(database);
    await createJobEvents(database);
    await createIncompliances(database);
    await createIdempotencyKeys(database);
    await createOutbox(database);
  },
  async down(database) {
    for (const table of ['outbox', 'idempotency_keys', 'incompliances', 'job_events', 'jobs', 'job_groups']) {
      await database.schema.dropTable(table).execute();
    }
  },
};

type Untyped = Kysely<unknown>;

async function createGroups(database: Untyped): Promise<void> {
  await database.schema
    .createTable('job_groups')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('namespace', 'text', (column) => column.notNull())
    .addColumn('form', 'text', (column) => column.notNull())
    .addColumn('match_request', 'text', (column) => column.notNull())
    .addColumn('descriptor', 'text', (column) => column.notNull())
    .addColumn('warnings', 'text', (column) => column.notNull())
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('deleting', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull().defaultTo(1))
    .execute();
  await database.schema.createIndex('job_groups_to_delete').on('job_groups').column('deleting').execute();
  await database.schema.createIndex('job_groups_in_order').on('job_groups').columns(['created_at', 'id']).execute();
  await database.schema
    .createIndex('job_groups_of_owner')
    .on('job_groups')
    .columns(['owner', 'created_at', 'id'])
    .execute();
}

async function createJobs(database: Untyped): Promise<void> {
  await database.schema
    .createTable('jobs')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('group_id', 'text', (column) => column.notNull().references('job_groups.id').onDelete('cascade'))
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('component', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('sub_type', 'text', (column) => column.notNull().defaultTo(''))
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('owner_id', 'text')
    .addColumn('lease_until', 'bigint')
    .addColumn('attempts', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('orchestrator', 'text', (column) => column.notNull().defaultTo(''))
    .addColumn('cluster', 'text', (column) => column.notNull().defaultTo(''))
    .addColumn('node', 'text', (column) => column.notNull().defaultTo(''))
    .addColumn('namespace', 'text', (column) => column.notNull())
    .addColumn('manifests', 'text', (column) => column.notNull())
    .addColumn('resource_id', 'text', (column) => column.notNull())
    .addColumn('resource_uuid', 'text')
    .addColumn('resource_name', 'text', (column) => column.notNull())
    .addColumn('resource_updated_at', 'bigint', (column) => column.notNull())
    .addColumn('conditions', 'text', (column) => column.notNull())
    .addColumn('match_deadline', 'bigint')
    .addColumn('match_at', 'bigint')
    .addColumn('avoid', 'text', (column) => column.notNull().defaultTo('[]'))
    .addColumn('cpu_millis', 'bigint', (column) => column.notNull().defaultTo(0))
    .addColumn('memory_bytes', 'bigint', (column) => column.notNull().defaultTo(0))
    .addColumn('devices', 'text', (column) => column.notNull().defaultTo('[]'))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull().defaultTo(1))
    .execute();
  await indexJobs(database);
}

async function indexJobs(database: Untyped): Promise<void> {
  const index = (name: string, columns: string[]) =>
    database.schema.createIndex(name).on('jobs').columns(columns).execute();
  await index('jobs_of_group', ['group_id', 'position']);
  await index('jobs_of_orchestrator', ['orchestrator', 'status', 'created_at', 'id']);
  await index('jobs_by_resource', ['resource_uuid']);
  await index('jobs_by_match_time', ['match_at']);
  await index('jobs_by_match_deadline', ['match_deadline']);
  await index('jobs_in_order', ['created_at', 'id']);
  await index('jobs_by_change', ['updated_at']);
}

async function createJobEvents(database: Untyped): Promise<void> {
  await database.schema
    .createTable('job_events')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('job_id', 'text', (column) => column.notNull().references('jobs.id').onDelete('cascade'))
    .addColumn('group_id', 'text', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('from_phase', 'text', (column) => column.notNull())
    .addColumn('to_phase', 'text', (column) => column.notNull())
    .addColumn('detail', 'text', (column) => column.notNull())
    .execute();
  await database.schema.createIndex('job_events_of_job').on('job_events').columns(['job_id', 'version']).execute();
}

async function createIncompliances(database: Untyped): Promise<void> {
  await database.schema
    .createTable('incompliances')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('job_id', 'text', (column) => column.references('jobs.id').onDelete('cascade'))
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await database.schema.createIndex('incompliances_of_job').on('incompliances').column('job_id').execute();
}

async function createIdempotencyKeys(database: Untyped): Promise<void> {
  await database.schema
    .createTable('idempotency_keys')
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('group_id', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_keys_pk', ['subject', 'key'])
    .execute();
  await database.schema.createIndex('idempotency_keys_by_age').on('idempotency_keys').column('created_at').execute();
}

async function createOutbox(database: Untyped): Promise<void> {
  await database.schema
    .createTable('outbox')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('stream', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('peer', 'text', (column) => column.notNull())
    .addColumn('method', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('next_at', 'bigint', (column) => column.notNull())
    .addColumn('lease_until', 'bigint')
    .addColumn('last_error', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('outbox_order', ['stream', 'position'])
    .execute();
  await database.schema.createIndex('outbox_by_time').on('outbox').column('next_at').execute();
}
