/** What another process changes in the database takes effect on the running server within a second. */

import test from 'ava';
import { startApp } from '../support/app.ts';
import { assertEnded, assertLoggedOut, eachTransportAndDatabase } from '../support/transports.ts';

eachTransportAndDatabase(
  test,
  'a room deleted elsewhere parts each of its members once and takes no more messages',
  async (t, db, transport) => {
    const server = await startApp(t, { transport, databaseUrl: db.url });
    const [alice, bob] = [await server.chat('alice'), await server.chat('bob')];
    for (const client of [alice, bob]) await client.ask({ type: 'join', room_name: 'family' }, { code: 'joined' });
    const storage = await server.elsewhere();
    const room = await storage.rooms.findByName('family');
    t.true(await storage.rooms.delete(room?.id ?? 0));
    for (const client of [alice, bob]) {
      t.like(await client.next({ code: 'parted' }, 5000), { you: true, room_name: 'family' });
      await client.ask({ type: 'message', room_name: 'family', body: 'x' }, { code: 'room:not-joined' });
      await client.ask({ type: 'join', room_name: 'family' }, { code: 'room:invalid' });
      t.is(client.frames.filter((frame) => frame.code === 'parted').length, 1);
    }
  },
);

eachTransportAndDatabase(
  test,
  'a renamed room parts everybody under the old name and keeps its messages under the new',
  async (t, db, transport) => {
    const server = await startApp(t, { transport, databaseUrl: db.url });
    const alice = await server.chat('alice');
    const { status } = await alice.ask({ type: 'join', room_name: 'family' }, { code: 'joined' });
    await alice.ask({ type: 'message', room_name: 'family', body: 'kept' }, { code: 'message' });
    const storage = await server.elsewhere();
    const room = await storage.rooms.findByName('family');
    await storage.rooms.change(room?.id ?? 0, { name: 'kin' }, Date.now());
    t.like(await alice.next({ code: 'parted' }, 5000), { you: true, room_name: 'family' });
    await alice.ask({ type: 'join', room_name: 'family' }, { code: 'room:invalid' });
    const again = await alice.ask({ type: 'join', room_name: 'kin', since: 0 }, { code: 'joined' });
    t.is(again.status?.epoch, status?.epoch);
    t.deepEqual(
      again.status?.messages.map((message) => message.body),
      ['kept'],
    );
  },
);

eachTransportAndDatabase(test, 'a room made elsewhere can be joined at once', async (t, db, transport) => {
  const server = await startApp(t, { transport, databaseUrl: db.url });
  const alice = await server.chat('alice');
  const storage = await server.elsewhere();
  await storage.rooms.create({ name: 'brand-new', topic: '', createdAt: Date.now() });
  t.true((await alice.ask({ type: 'join', room_name: 'brand-new' }, { code: 'joined' })).you);
});

eachTransportAndDatabase(test, 'a deactivated user is kicked, and cannot come back', async (t, db, transport) => {
  const server = await startApp(t, { transport, databaseUrl: db.url });
  const token = await server.login('alice');
  const alice = await server.chat('alice', { token });
  const bob = await server.chat('bob');
  for (const client of [alice, bob]) await client.ask({ type: 'join', room_name: 'family' }, { code: 'joined' });
  await alice.settle();
  const storage = await server.elsewhere();
  const user = await storage.users.findByName('alice');
  await storage.users.setActive(user?.id ?? 0, false);
  await assertEnded(t, alice, 'kicked');
  await bob.next({ code: 'parted', user: 'alice' });
  t.is((await server.request('GET', '/profile', { token })).status, 401);
});

eachTransportAndDatabase(
  test,
  'a token revoked or a password changed elsewhere ends the session with logged-out',
  async (t, db, transport) => {
    const server = await startApp(t, { transport, databaseUrl: db.url });
    const storage = await server.elsewhere();
    const [alice, bob] = [await server.chat('alice'), await server.chat('bob')];
    for (const client of [alice, bob]) await client.settle();
    const tokens = await storage.tokens.list();
    await storage.tokens.revoke(tokens.find((token) => token.username === 'alice')?.id ?? 0);
    await assertLoggedOut(t, alice);
    const user = await storage.users.findByName('bob');
    await storage.users.setPassword(user?.id ?? 0, 'a hash');
    await assertLoggedOut(t, bob);
  },
);

test('who asks for the rooms gets those too that were made or deleted a moment ago', async (t) => {
  const server = await startApp(t);
  const token = await server.login('ada');
  const storage = await server.elsewhere();
  const names = async (): Promise<string[]> => {
    const { body } = await server.request('GET', '/rooms', { token });
    return (body as { name: string }[]).map(({ name }) => name);
  };
  // Several times: the server looks by itself twice a second, and might just have done so.
  for (const name of ['one', 'two', 'three', 'four']) {
    const { id } = await storage.rooms.create({ name, topic: '', createdAt: Date.now() });
    t.true((await names()).includes(name));
    await storage.rooms.delete(id);
    t.false((await names()).includes(name));
  }
});
