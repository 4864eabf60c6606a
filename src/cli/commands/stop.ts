import { EXIT } from '../exit.ts';
import { command, noMore } from './command.ts';

export const stop = command({
  usage: '',
  details: 'Stops the agent: running applications get some time to end, new ones are refused.',
  options: {},
  async run(args, { client, terminal, json }) {
    noMore(args, 0);
    await client.request('/COMPSs', { method: 'DELETE' });
    terminal.out(json ? JSON.stringify({ stopped: client.connection.url }) : `${client.connection.url} has stopped`);
    return EXIT.ok;
  },
});
