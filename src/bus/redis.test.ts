import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import test from 'ava';
import { startRedis, whyNoRedis } from '../../test/support/redis.ts';
import { programTest, until } from '../../test/support/services.ts';
import { openRedis } from './redis.ts';

test('a Redis that refuses the password is reported with its words, and without the password', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => socket.write('-WRONGPASS invalid username-password pair or user is disabled.\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `redis://:very-secret@127.0.0.1:${(server.address() as AddressInfo).port}`;
  const said = await new Promise<unknown[]>((resolve) => {
    const connection = openRedis(url, { log: { info() {}, warn: (...entry) => resolve(entry) } });
    t.teardown(() => connection.close());
  });
  // All that a log could make of it.
  const whole = inspect(said, { depth: 9, showHidden: true });
  t.regex(whole, /WRONGPASS/);
  t.false(whole.includes('secret'));
});

programTest(
  test,
  whyNoRedis(),
  'a Redis that is away is spoken of once an outage, and once when it is back',
  async (t) => {
    let redis = await startRedis();
    t.teardown(() => redis.stop());
    const said: string[] = [];
    const note = (_: object, sentence: string): void => void said.push(sentence.slice(0, 13));
    const connection = openRedis(redis.url, { log: { info: note, warn: note } });
    t.teardown(() => connection.close());
    let attempts = 0;
    connection.client.on('close', () => (attempts += 1));
    const reached = (what: string, isSo: () => boolean): Promise<void> =>
      until(20_000, async () => {
        if (!isSo()) throw new Error(what);
      });
    await reached('It is there.', () => connection.healthy());
    for (let outage = 0; outage < 2; outage += 1) {
      const before = attempts;
      await redis.stop();
      await reached('It tries again.', () => attempts >= before + 3);
      redis = await startRedis(redis.port);
      await reached('It is back.', () => connection.healthy());
    }
    await connection.close();
    const [away, back] = ['Redis cannot ', 'Redis is back'];
    t.deepEqual(said, [away, back, away, back]);
  },
);
