/**
 * `node controller-job-manager.ts <database url> <matchmaker url> <port>`: the job manager, and beside it, at /bare, what is left
 * when a job manager is taken away: a Fastify route that stores the body in one row of the same database.
 */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { silentLogger } from '../../src/common/logger.ts';
import { createNoAuth } from '../../src/controller/iam/no-auth.ts';
import { createJobManagerService } from '../../src/controller/job-manager/main.ts';
import { listen } from '../../src/controller/service/listening.ts';
import { openDatabase } from '../../src/controller/store/database.ts';

const [databaseUrl, matchmakerUrl, port] = process.argv.slice(2) as [string, string, string];
const database = await openDatabase({ url: databaseUrl });
await sql`create table bare (id text primary key, body text not null)`.execute(database.query);
const authenticator = createNoAuth(['127.0.0.1']);
const service = await createJobManagerService({ database, authenticator, logger: silentLogger, matchmakerUrl });
service.app.post('/bare', { config: { access: 'public' } }, async (request, reply) => {
  await sql`insert into bare (id, body) values (${randomUUID()}, ${request.body})`.execute(database.query);
  return reply.status(201).send({});
});
const listening = await listen(service, { host: '127.0.0.1', port: Number(port) });
console.log(listening.url);
process.stdin
  .on('end', () => {
    void listening[Symbol.asyncDispose]().then(() => process.exit(0));
  })
  .resume();
