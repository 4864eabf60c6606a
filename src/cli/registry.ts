/** The commands by name. Each is loaded when it is called. */
import type { Command } from './commands/command.ts';

export interface Entry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const entry = (names: string, summary: string, load: () => Promise<Command>): Entry => {
  const [name = '', ...aliases] = names.split(' ');
  return { name, aliases, summary, load };
};

const pool = () => import('./commands/pool.ts');
const applications = () => import('./commands/applications.ts');
const observe = () => import('./commands/observe.ts');

export const COMMANDS: readonly Entry[] = [
  entry('call', 'Run a function on an agent and wait for it', async () => (await import('./commands/call.ts')).call),
  entry('apps', 'List applications', async () => (await applications()).apps),
  entry('status', 'How an application is', async () => (await applications()).status),
  entry('result', 'What an application gave back', async () => (await applications()).result),
  entry('logs', 'What an application, or a task, has written', async () => (await applications()).logs),
  entry('cancel', 'Cancel an application', async () => (await applications()).cancel),
  entry('graph', 'The task graph as SVG, DOT or JSON', async () => (await observe()).graph),
  entry('timeline', 'The timeline as a Chrome trace', async () => (await observe()).timeline),
  entry('explain', 'Why tasks wait', async () => (await observe()).explain),
  entry('story', 'What happened to a task', async () => (await observe()).story),
  entry('data', 'What the agent holds and moved', async () => (await observe()).data),
  entry('resources', 'The pool of the agent', async () => (await pool()).resources),
  entry('add-resources add', 'Add a node, or capacity to one', async () => (await pool()).addResources),
  entry('reduce-resources reduce', 'Take capacity away from a node', async () => (await pool()).reduceResources),
  entry('remove-node remove', 'Remove a node', async () => (await pool()).removeNode),
  entry('lost-node lost', 'Say that a node is dead', async () => (await pool()).lostNode),
  entry(
    'simulate',
    'Run a modelled program on a modelled cluster',
    async () => (await import('./commands/simulate.ts')).simulate,
  ),
  entry('stop', 'Stop the agent', async () => (await import('./commands/stop.ts')).stop),
];

export const findCommand = (name: string): Entry | undefined =>
  COMMANDS.find((command) => command.name === name || command.aliases.includes(name));
