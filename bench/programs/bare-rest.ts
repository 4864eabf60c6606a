/** The bare exchange of latency-rest: fastify takes a body with PUT and answers with a text. Prints its URL. */
import fastify from 'fastify';

const app = fastify();
app.put('/COMPSs/startApplication', (_request, reply) => reply.type('text/plain').send('1'));
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdin.on('end', () => void app.close()).resume();
console.log(url);
