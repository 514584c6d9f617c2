/** A server whose store is busy or gone for a while: it keeps answering, nobody is thrown out, nothing is shown twice. */
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { startApp, type TestApp } from '../support/app.ts';
import { postgresTest, startOwnPostgres } from '../support/databases.ts';
import { openRawClient, type RawClient } from '../support/raw-client.ts';
import { startServerProcess } from '../support/server-process.ts';
import { patienceMs, serviceTest, until } from '../support/services.ts';
import { startStorageProcess } from '../support/storage-process.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

const inRoom = { room_name: 'friends' };

async function join(app: TestApp, username: string): Promise<RawClient> {
  const client = await app.chat(username);
  await client.ask({ type: 'join', ...inRoom }, { code: 'joined', you: true });
  return client;
}

/** The bodies of the room's messages as a member saw them, in the order of arrival. */
function bodies(client: RawClient): unknown[] {
  return client.frames.filter((frame) => frame.code === 'message').map((frame) => frame.body);
}

test('while another process holds the write lock for three seconds the server keeps answering', async (t) => {
  const app = await startApp(t);
  const [ada, bob] = [await join(app, 'ada'), await join(app, 'bob')];
  const token = await app.login('carol');
  const holder = startStorageProcess(t, 'hold-write', app.databaseUrl);
  await holder.answer;
  let isHeld = true;
  let beats = 0;
  const heart = setInterval(() => beats++, 10);
  // Not a wait for something to happen: three seconds is how long the lock is held.
  const released = delay(3000).then(() => {
    isHeld = false;
    clearInterval(heart);
    return holder.kill();
  });
  for (const body of ['one', 'two', 'three']) ada.send({ type: 'message', ...inRoom, body, ref: body });

  await bob.settle();
  if (isHeld) t.deepEqual(bodies(bob), [], 'nothing is shown before it is stored');
  t.deepEqual((await bob.ask({ type: 'list', ref: 'list' }, { code: 'list' })).ref, 'list');
  bob.send({ type: 'custom', ...inRoom, command: 'stock', payload: 'aapl.us' });
  await ada.next({ code: 'custom', user: 'bob' });
  const carol = await openRawClient(t, app.url, { token });
  await carol.next({ code: 'api-motd' });
  await carol.ask({ type: 'join', ...inRoom }, { code: 'joined', you: true });
  t.is((await app.request('GET', '/profile', { token })).status, 200);
  t.is((await app.request('GET', '/readyz')).status, 200);

  await released;
  t.true(beats >= 50, `the event loop turned: ${beats} beats of 300`);
  for (const client of [ada, bob, carol]) {
    await client.next({ code: 'message', body: 'three' });
    t.deepEqual(bodies(client), ['one', 'two', 'three']);
  }
});

serviceTest(
  test,
  'postgres',
  'a server whose PostgreSQL crashes and comes back goes on with the sessions it had',
  async (t) => {
    t.timeout(120_000);
    const { server, db } = await startOwnPostgres(t);
    const app = await startApp(t, { databaseUrl: db.url });
    const [ada, bob] = [await join(app, 'ada'), await join(app, 'bob')];
    ada.send({ type: 'message', ...inRoom, body: 'before', ref: 'before' });
    await bob.next({ code: 'message', body: 'before' });

    await server.crash();
    ada.send({ type: 'message', ...inRoom, body: 'meanwhile', ref: 'meanwhile' });
    const token = 'x'.repeat(43);
    t.is((await app.request('GET', '/profile', { token })).status, 503);
    t.is((await app.request('GET', '/readyz')).status, 503);
    await bob.settle();
    bob.send({ type: 'custom', ...inRoom, command: 'still', payload: 'here' });
    await bob.next({ code: 'custom' });
    t.deepEqual(bodies(bob), ['before']);
    await server.start();

    const answer = await ada.next((frame) => frame.ref === 'meanwhile', 30_000);
    // A machine so slow that the deadline passed: the client does then what clients do.
    if (answer.code === 'unavailable') {
      await ada.ask({ type: 'message', ...inRoom, body: 'meanwhile', ref: 'meanwhile' }, { code: 'message' }, 30_000);
    }
    await until(patienceMs, async () => {
      const { status } = await app.request('GET', '/readyz');
      if (status !== 200) throw new Error(`GET /readyz answered ${status}`);
    });
    await ada.ask({ type: 'message', ...inRoom, body: 'after', ref: 'after' }, { code: 'message', body: 'after' });
    await bob.next({ code: 'message', body: 'after' });
    t.deepEqual(bodies(bob), ['before', 'meanwhile', 'after']);
  },
);

postgresTest(
  test,
  'a server whose PostgreSQL has gone silent stops within its deadlines all the same',
  async (t, db) => {
    t.timeout(60_000);
    const proxy = await openTcpProxy(db.url);
    t.teardown(() => proxy.close());
    const server = await startServerProcess(t, { DATABASE_URL: proxy.url, SHUTDOWN_SECONDS: '1' });
    const credentials = { username: 'ada', password: 'a long enough pass-phrase' };
    const post = (path: string): Promise<Response> =>
      fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify(credentials),
      });
    t.is((await post('/register')).status, 200);
    const { token } = (await (await post('/login')).json()) as { token: string };
    const ada = await openRawClient(t, server.url, { token });
    await ada.ask({ type: 'join', ...inRoom }, { code: 'joined', you: true });
    proxy.stall('both');
    ada.send({ type: 'message', ...inRoom, body: 'too late', ref: 'late' });
    await ada.settle();
    const begun = performance.now();
    t.is(await server.end('SIGTERM'), 1, server.output());
    t.is((await ada.closed).code, 1012);
    t.regex(server.output(), /does not answer/);
    // One second for commits and five for the rest; without deadlines it would take as long as the network does.
    t.true(performance.now() - begun < 15_000);
  },
);
