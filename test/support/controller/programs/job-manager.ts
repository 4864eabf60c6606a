/** `node job-manager.ts <database url> <matchmaker url> <lease ms>`: a job manager that prints its URL and ends with its starter. */
import { silentLogger } from '../../../../src/common/logger.ts';
import { createJobManagerService } from '../../../../src/controller/job-manager/main.ts';
import { listen } from '../../../../src/controller/service/listening.ts';
import { openDatabase } from '../../../../src/controller/store/database.ts';
import { byText } from '../../identities.ts';

const [databaseUrl, matchmakerUrl, leaseMs] = process.argv.slice(2) as [string, string, string];
const database = await openDatabase({ url: databaseUrl });
const service = await createJobManagerService(
  { database, authenticator: byText, logger: silentLogger, matchmakerUrl },
  { leaseMs: Number(leaseMs), sweepMs: 200 },
);
const listening = await listen(service, { host: '127.0.0.1', port: 0 });
console.log(listening.url);

const stop = async (): Promise<void> => {
  await listening[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  process.exit(0);
};
process.stdin.on('end', () => void stop()).resume();
process.on('SIGTERM', () => void stop());
