import fastify from 'fastify';
import { expect, it } from 'vitest';
import { openEventStream } from '../../../src/agent/http/sse.ts';

it('events of the turn in which a stream ends come before its end, and other turns do not wait for it', async () => {
  const app = fastify();
  app.get('/', (_request, reply) => {
    const stream = openEventStream(reply, () => undefined);
    stream.send('1', 'progress', 'a');
    stream.send('2', 'progress', 'b');
    setImmediate(() => {
      stream.send('3', 'progress', 'c');
      stream.send(undefined, 'status', 'done');
      stream.end();
      expect(stream.send('5', 'status', 'late')).toBe(false);
    });
  });
  try {
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const text = await (await fetch(url)).text();
    expect(text.match(/^(?:id|data): .*$/gm)?.join()).toBe(
      'id: 1,data: "a",id: 2,data: "b",id: 3,data: "c",data: "done"',
    );
  } finally {
    await app.close();
  }
});
