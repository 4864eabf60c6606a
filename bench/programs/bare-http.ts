/** The least server there is: node:http, no library. Prints its URL. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((_request, response) => response.end());
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.stdin
  .on('end', () => {
    server.close();
    server.closeAllConnections();
  })
  .resume();
