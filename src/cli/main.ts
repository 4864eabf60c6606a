/** `metakernel`: the command line. */
import { enableCompileCache } from 'node:module';

// What is compiled once need not be again: a third of the start of an agent.
enableCompileCache();
const [{ runCommand }, { processTerminal }] = await Promise.all([import('./run-command.ts'), import('./terminal.ts')]);

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read our output has gone (`metakernel logs | head`).
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await runCommand({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  terminal: processTerminal(),
  interrupted: interrupted.signal,
});
