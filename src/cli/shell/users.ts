import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { z } from 'zod';
import { CliError, EXIT, usageError } from '../exit.ts';
import { table } from '../format.ts';
import { listControllers, urlOf } from './connection.ts';
import { readSession, writeSession } from './session.ts';
import { noArguments, shellCommand } from './shell-command.ts';

export const login = shellCommand({
  name: 'login',
  usage: 'USER',
  summary: 'Log in at a controller, and use it from now on',
  options: { passwordStdin: { kind: 'switch', help: 'Read the password from standard input' } },
  async run({ options, positionals }, { connect, env, terminal, json }) {
    const [username, extra] = positionals;
    if (username === undefined) throw usageError('the name of the user is missing');
    if (extra !== undefined) throw usageError('a password does not belong on a command line: others can read it there');
    const api = await connect();
    const password = await passwordFrom(env, options.passwordStdin);
    const { value: token } = await api.json('/api/v3/user/login', z.string(), {
      method: 'POST',
      body: { username, password },
    });
    const session = readSession(env);
    writeSession(env, { controller: api.url, tokens: { ...session.tokens, [api.url]: token } });
    terminal.out(json ? JSON.stringify({ controller: api.url, username }) : `${username} is logged in at ${api.url}`);
    return EXIT.ok;
  },
});

async function passwordFrom(env: NodeJS.ProcessEnv, fromStdin: boolean): Promise<string> {
  if (fromStdin) return (await textOf(process.stdin)).replace(/\r?\n$/, '');
  const given = env['METAKERNEL_PASSWORD'];
  if (given !== undefined) return given;
  if (!process.stdin.isTTY) throw usageError('the password is missing: METAKERNEL_PASSWORD or --password-stdin');
  process.stderr.write('password: ');
  // Nothing of what is typed is shown.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await prompt.question('');
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}

export const logout = shellCommand({
  name: 'logout',
  usage: '',
  summary: 'End the session at the controller',
  options: {},
  async run(args, { connect, env, terminal, json }) {
    noArguments(args);
    const api = await connect();
    const { [api.url]: token, ...tokens } = readSession(env).tokens;
    if (token === undefined) throw new CliError(`nobody is logged in at ${api.url}`);
    await api.json('/api/v3/user/logout', z.unknown());
    writeSession(env, { controller: api.url, tokens });
    terminal.out(json ? JSON.stringify({ controller: api.url }) : `logged out at ${api.url}`);
    return EXIT.ok;
  },
});

export const controllers = shellCommand({
  name: 'controllers|controller',
  usage: '',
  summary: 'The controllers that the lighthouse lists',
  options: {},
  async run(args, { connect, lighthouse, env, terminal, json }) {
    noArguments(args);
    const named = lighthouse ?? env['METAKERNEL_LIGHTHOUSE'];
    // Every controller passes the question on to its lighthouse.
    const found = await listControllers(named === undefined ? (await connect()).url : urlOf(named));
    const rows = found.map(({ name, address }) => [name, address]);
    terminal.out(
      json ? JSON.stringify(found) : rows.length === 0 ? 'no controllers' : table(['NAME', 'ADDRESS'], rows),
    );
    return EXIT.ok;
  },
});
