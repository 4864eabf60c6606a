/**
 * Stands where `metakernel` would in tests of the process driver that are about processes and not about agents: takes the
 * same flags, answers at its REST port, ends with its standard input. `--fail` ends at once, `--mute` never answers.
 */
import { createServer } from 'node:http';

const args = process.argv.slice(2);
const flagValue = (flag: string): string => args[args.lastIndexOf(flag) + 1] ?? '';

if (args[0] !== 'agent' || args[1] !== 'start') throw new Error(`not an agent: ${args.join(' ')}`);
if (args.includes('--fail')) {
  console.error('this agent was told to fail');
  process.exit(3);
}
if (args.includes('--exit-with-parent')) {
  process.stdin.on('end', () => process.exit(0));
  process.stdin.resume();
}
if (args.includes('--mute')) setInterval(() => undefined, 1 << 30);
else {
  createServer((request, response) => {
    if (request.url === '/die') process.exit(9);
    const seen = { args, env: { GREETING: process.env['GREETING'], SECRET: process.env['SECRET'] }, pid: process.pid };
    response.end(JSON.stringify(seen));
  }).listen(Number(flagValue('--rest-port')), flagValue('--host'));
}
