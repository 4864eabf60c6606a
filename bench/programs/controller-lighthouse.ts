/** `node controller-lighthouse.ts <database url>`: the lighthouse, and at /bare a Fastify route that answers the same and does nothing. */
import { silentLogger } from '../../src/common/logger.ts';
import { createNoAuth } from '../../src/controller/iam/no-auth.ts';
import { createLighthouseService } from '../../src/controller/lighthouse/main.ts';
import { listen } from '../../src/controller/service/listening.ts';
import { openDatabase } from '../../src/controller/store/database.ts';

const database = await openDatabase({ url: process.argv[2]! });
const authenticator = createNoAuth(['127.0.0.1']);
const service = await createLighthouseService({ database, authenticator, logger: silentLogger });
service.app.post('/bare', { config: { access: 'public' } }, (_request, reply) => reply.status(202).send({}));
const listening = await listen(service, { host: '127.0.0.1', port: 0 });
console.log(listening.url);
process.stdin
  .on('end', () => {
    void listening[Symbol.asyncDispose]().then(() => process.exit(0));
  })
  .resume();
