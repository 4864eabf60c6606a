import { silentLogger } from '../../src/common/logger.ts';
import { createAggregatorService } from '../../src/controller/aggregator/main.ts';
import { createNoAuth } from '../../src/controller/iam/no-auth.ts';
import { createJobManagerService } from '../../src/controller/job-manager/main.ts';
import { createLighthouseService } from '../../src/controller/lighthouse/main.ts';
import { createMatchmakerService } from '../../src/controller/matchmaker/main.ts';
import type { Service } from '../../src/controller/service/listening.ts';
import { createShellBackendService } from '../../src/controller/shell-backend/main.ts';
import { openDatabase } from '../../src/controller/store/database.ts';
import type { GeneratedFiles } from '../generate.ts';

/** Nothing is called while documents are written. */
const ANYWHERE = 'http://127.0.0.1:1';

/** The OpenAPI document of each service of the controller tier, as `GET /docs` serves it. */
export default async function controllerOpenapi(): Promise<GeneratedFiles> {
  const database = await openDatabase({ url: ':memory:' });
  const dependencies = { database, authenticator: createNoAuth(['127.0.0.1']), logger: silentLogger };
  const services: readonly Service[] = [
    await createLighthouseService(dependencies),
    await createJobManagerService({ ...dependencies, matchmakerUrl: ANYWHERE }),
    await createAggregatorService(dependencies),
    await createMatchmakerService({ ...dependencies, aggregatorUrl: ANYWHERE }),
    await createShellBackendService({
      ...dependencies,
      jobManagerUrl: ANYWHERE,
      aggregatorUrl: ANYWHERE,
      lighthouseUrl: ANYWHERE,
    }),
  ];
  const files = new Map<string, string>();
  for (const service of services) {
    const { name, app } = service;
    await app.ready();
    files.set(`docs/reference/${name}-openapi.json`, `${JSON.stringify(app.swagger(), null, 2)}\n`);
    await app.close();
    await service[Symbol.asyncDispose]();
  }
  await database[Symbol.asyncDispose]();
  return files;
}
