import test from 'ava';
import { scripted, settled, until } from '../../test/support/scripted-client.ts';
import { joined, motd, status } from '../../test/support/scripted-server.ts';

test('an exported session that is over is followed by a new one, in its rooms, from where they were', async (t) => {
  const { client, server, told } = await scripted(t);
  const resume = { version: 1, cursor: 's.9', rooms: [{ name: 'r', epoch: 'e1', seen: 3 }] } as const;
  const connected = client.connect({ resume: { ...resume, rooms: [...resume.rooms] } });
  const line = await server.accept();
  line.begin('other');
  await connected;
  const join = await line.next('join');
  t.like(join, { room_name: 'r', since: 3, epoch: 'e1' });
  line.send(joined('r', join.ref, status([4, 5])));
  await settled(client, line);
  t.deepEqual(told, ['rejoined r', 'message r 4', 'message r 5']);
});

test('a client in no chat has nothing to export', async (t) => {
  const { client, server } = await scripted(t);
  t.is(client.session.export(), undefined);
  const connected = client.connect();
  const line = await server.accept();
  t.is(client.session.export(), undefined);
  line.send(motd);
  await connected;
  t.is(client.session.export(), undefined);
});

test('an aborted connect leaves an exported session for a later one', async (t) => {
  const { client, server } = await scripted(t);
  const controller = new AbortController();
  const resume = { version: 1 as const, cursor: 's.9', rooms: [] };
  const connected = t.throwsAsync(client.connect({ resume, signal: controller.signal }), { any: true });
  const line = await server.accept();
  controller.abort();
  await connected;
  // 1000 would have ended the session.
  t.not(await line.closed, 1000);
  t.is(server.requests.length, 0);
  t.is(client.state, 'idle');
});

test('a client that is connected anew as soon as its attempt was aborted keeps its rooms', async (t) => {
  const { client, server } = await scripted(t);
  const controller = new AbortController();
  const resume = { version: 1 as const, cursor: 's.9', rooms: [{ name: 'r', epoch: 'e1', seen: 3 }] };
  const connected = t.throwsAsync(client.connect({ signal: controller.signal }), { any: true });
  await server.accept();
  const again = new Promise<void>((resolve) => {
    client.on('state', ({ state }) => {
      if (state === 'idle') resolve(client.connect({ resume }));
    });
  });
  controller.abort();
  await connected;
  (await server.accept()).begin('s', 'resumed');
  await again;
  t.deepEqual([...client.rooms], ['r']);
});

const unusable: unknown[] = [
  null,
  'text',
  7,
  [],
  {},
  { version: 2, rooms: [] },
  { version: 1 },
  { version: 1, rooms: {} },
  { version: 1, cursor: 's', rooms: [] },
  { version: 1, cursor: '.1', rooms: [] },
  { version: 1, cursor: 's.-1', rooms: [] },
  { version: 1, cursor: 7, rooms: [] },
  { version: 1, rooms: [null] },
  { version: 1, rooms: [{ name: 'r', epoch: 'e', seen: '3' }] },
  { version: 1, rooms: [{ name: 'r', epoch: 'e', seen: 1.5 }] },
  { version: 1, rooms: [{ epoch: 'e', seen: 1 }] },
];
for (const value of unusable) {
  test(`${JSON.stringify(value)} is refused as no exported session, and connecting without it works`, async (t) => {
    const { client, server } = await scripted(t);
    await t.throwsAsync(client.connect({ resume: value as never }), {
      instanceOf: TypeError,
      message: /Connect without it/,
    });
    t.is(client.state, 'idle');
    const connected = client.connect();
    (await server.accept()).begin('s');
    await connected;
    t.is(client.rooms.size, 0);
  });
}

test('a session that a late request of the client before takes from the new one is had back', async (t) => {
  const { client, server, timers } = await scripted(t);
  const connected = client.connect({ resume: { version: 1, cursor: 's.9', rooms: [] } });
  const line = await server.accept();
  line.begin('s', 'resumed');
  await connected;
  const waiting = until(client, 'state', ({ state }) => state === 'waiting');
  line.send({ type: 'fatal', code: 'resumed-elsewhere' });
  await waiting;
  while (client.state === 'waiting') timers.advance(timers.waits[0] ?? 0);
  const again = await server.accept();
  t.regex(again.url, /cursor=s\.9$/);
  const open = until(client, 'session');
  again.begin('s', 'resumed');
  t.deepEqual(await open, { resumed: true });
});
