/** `fleet-callee.ts`: one process that answers for any number of agents: links, heartbeats, tasks that do nothing. */
import { Callee } from '../../test/support/link-case.ts';

const nothing = Buffer.alloc(0);
const callee = await Callee.start((_method, _inputs, spec) => spec.returns.map(() => nothing));
console.log(String(callee.port));
process.once('SIGTERM', () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).resume();
