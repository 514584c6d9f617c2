/** The client SDK on the real server, on a file: what the scripted server's tests assume of it, and the whole of a chat. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { type App, createApp } from '../../src/app.ts';
import {
  ChatError,
  type Client,
  type ClientOptions,
  createClient,
  FatalError,
  RequestError,
} from '../../src/client/index.ts';
import { loadConfig } from '../../src/config.ts';
import { randomText, systemClock } from '../../src/core/clock.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { checkFrames } from '../support/asyncapi.ts';
import { until } from '../support/scripted-client.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const password = 'correct horse 7';

type House = { readonly url: string; readonly databaseUrl: string; stop(): Promise<void>; start(): Promise<void> };

async function openHouse(t: ExecutionContext, settings: Record<string, string> = {}): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-sdk-'));
  const databaseUrl = `sqlite://${join(folder, 'chat.sqlite')}`;
  let app: App;
  t.teardown(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });
  const start = async (port: number): Promise<string> => {
    app = createApp(
      loadConfig({
        DATABASE_URL: databaseUrl,
        PORT: String(port),
        BCRYPT_ROUNDS: '4',
        LOG_LEVEL: 'silent',
        SHUTDOWN_SECONDS: '2',
        ...settings,
      }),
    );
    return (await app.listen()).url;
  };
  const url = await start(0);
  return {
    url,
    databaseUrl,
    stop: () => app.close(),
    async start() {
      await start(Number(new URL(url).port));
    },
  };
}

/** A registered user's client, in the chat. */
async function enter(
  t: ExecutionContext,
  house: House,
  username: string,
  options: Partial<ClientOptions> = {},
): Promise<Client> {
  const client = createClient({ url: house.url, WebSocket, ...options });
  checkFrames(t, client);
  t.teardown(() => client.close());
  await client.register({ username, password, email: `${username}@mail.example` });
  await client.login({ username, password });
  await client.connect();
  return client;
}

/** The bodies that a client is told, in order. */
function bodies(client: Client): string[] {
  const told: string[] = [];
  client.on('message', ({ body }) => told.push(body));
  return told;
}

const heard = (client: Client, body: string): Promise<unknown> =>
  until(client, 'message', (message) => message.body === body);

test('two people register, log in, join and talk', async (t) => {
  const house = await openHouse(t);
  const ann = await enter(t, house, 'ann');
  const bob = await enter(t, house, 'bob');
  t.deepEqual(await ann.profile(), { username: 'ann', email: 'ann@mail.example' });
  t.deepEqual(
    (await ann.list()).map(({ name }) => name),
    ['family', 'friends', 'investments'],
  );
  t.regex(await ann.help(), /room_name/);

  const first = await ann.join('friends');
  t.deepEqual(first.users, [{ name: 'ann', you: true }]);
  const arrival = until(ann, 'joined', ({ user }) => user === 'bob');
  const second = await bob.join('friends');
  t.deepEqual(second.users, [
    { name: 'ann', you: false },
    { name: 'bob', you: true },
  ]);
  t.like(await arrival, { room: 'friends', you: false });

  const message = until(bob, 'message');
  const sent = await ann.send('friends', ' hello ');
  t.like(await message, { room: 'friends', user: 'ann', you: false, body: 'hello', id: sent.id });
  const command = until(bob, 'custom');
  await ann.command('friends', 'stock', 'aapl.us');
  t.like(await command, { command: 'stock', payload: 'aapl.us', user: 'ann' });
  t.like((await bob.history('friends', { limit: 1 })).messages[0] ?? {}, { id: sent.id, body: 'hello' });

  const departure = until(ann, 'parted');
  await bob.part('friends');
  t.like(await departure, { user: 'bob', you: false });
  await t.throwsAsync(bob.send('friends', 'still here?'), { instanceOf: ChatError, message: /not in that room/ });
  await t.throwsAsync(bob.join('nowhere'), { instanceOf: ChatError, message: /no room/ });
  await t.throwsAsync(ann.send('friends', '  '), { instanceOf: ChatError, message: /empty/ });
});

test('a message sent again with its ref is stored once and told once', async (t) => {
  const house = await openHouse(t);
  const ann = await enter(t, house, 'ann');
  const told = bodies(ann);
  await ann.join('friends');
  const ref = randomUUID();
  const first = await ann.send('friends', 'once', { ref });
  const second = await ann.send('friends', 'once', { ref });
  t.deepEqual([first.repeat, second.repeat, second.id], [false, true, first.id]);
  await t.throwsAsync(ann.send('friends', 'other', { ref }), { instanceOf: ChatError, message: /used before/ });
  await ann.send('friends', 'end');
  t.deepEqual(told, ['once', 'end']);
});

test('a restart between messages loses none and shows none twice', async (t) => {
  const house = await openHouse(t);
  const ann = await enter(t, house, 'ann');
  const bob = await enter(t, house, 'bob');
  await ann.join('friends');
  await bob.join('friends');
  const told = { ann: bodies(ann), bob: bodies(bob) };
  const all: string[] = [];
  const sent: Promise<unknown>[] = [];
  for (let round = 0; round < 2; round += 1) {
    for (let number = 0; number < 20; number += 1) {
      const body = `${round}-${number}`;
      all.push(body);
      sent.push(ann.send('friends', body));
    }
    const lost = [ann, bob].map((client) => until(client, 'state', ({ state }) => state === 'waiting'));
    await house.stop();
    await Promise.all(lost);
    all.push(`away ${round}`);
    sent.push(ann.send('friends', `away ${round}`));
    const back = [ann, bob].map((client) => until(client, 'rejoined'));
    await house.start();
    await Promise.all(back);
  }
  await Promise.all(sent);
  const last = heard(bob, 'last');
  await ann.send('friends', 'last');
  await last;
  t.deepEqual(told.ann, [...all, 'last']);
  t.deepEqual(told.bob, told.ann);
});

/** Ann's line is straight, Bob's runs through a proxy that can cut it; both are in friends. */
async function enterBesideProxy(
  t: ExecutionContext,
  settings: Record<string, string> = {},
): Promise<{ proxy: TcpProxy; ann: Client; bob: Client }> {
  const house = await openHouse(t, { RATE_LIMITS: 'off', ...settings });
  const proxy = await openTcpProxy(house.url);
  t.teardown(() => proxy.close());
  const ann = await enter(t, house, 'ann');
  // Small chances keep the waits between attempts short.
  const bob = await enter(t, house, 'bob', {
    url: proxy.url,
    random: () => Math.random() / 50,
  });
  await ann.join('friends');
  await bob.join('friends');
  return { proxy, ann, bob };
}

test('lines that are cut again and again lose no message and repeat none', async (t) => {
  const { proxy, ann, bob } = await enterBesideProxy(t);
  const told = { ann: bodies(ann), bob: bodies(bob) };
  const sent: Promise<{ id: number }>[] = [];
  for (let round = 0; round < 8; round += 1) {
    const open = bob.state === 'open' ? undefined : until(bob, 'state', ({ state }) => state === 'open');
    for (let number = 0; number < 25; number += 1) {
      sent.push(ann.send('friends', `ann ${round}-${number}`), bob.send('friends', `bob ${round}-${number}`));
    }
    await open;
    await sent.at(-2);
    proxy.cut();
  }
  const ids = (await Promise.all(sent)).map(({ id }) => id);
  t.is(new Set(ids).size, ids.length);
  const last = [heard(ann, 'last'), heard(bob, 'last')];
  const { id } = await ann.send('friends', 'last');
  await Promise.all(last);
  t.is(id, ids.length + 1);
  t.is(told.ann.length, id);
  t.is(new Set(told.ann).size, id);
  t.deepEqual(told.bob, told.ann);
});

test('more than a status holds is caught up with after an absence', async (t) => {
  const { proxy, ann, bob } = await enterBesideProxy(t, { SESSION_GRACE: '1' });
  const told = bodies(bob);
  const gone = until(ann, 'parted');
  proxy.refuse();
  await gone;
  const numbers = Array.from({ length: 900 }, (_, index) => `${index}`);
  await Promise.all(numbers.map((body) => ann.send('friends', body)));
  const caughtUp = heard(bob, '899');
  proxy.resume();
  await caughtUp;
  t.deepEqual(told, numbers);
});

test('a room that was deleted is left, and the others stay', async (t) => {
  const house = await openHouse(t);
  const ann = await enter(t, house, 'ann');
  await ann.join('friends');
  await ann.join('family');
  const storage = await openStorage({
    url: house.databaseUrl,
    pool: 1,
    synchronous: 'NORMAL',
    clock: systemClock,
    random: randomText,
    busyTimeoutMs: 5_000,
  });
  t.teardown(() => storage.close());
  const remove = async (name: string): Promise<void> => {
    const room = await storage.rooms.findByName(name);
    t.true(await storage.rooms.delete(room?.id ?? 0));
  };
  const parted = until(ann, 'parted');
  await remove('family');
  t.like(await parted, { room: 'family', you: true });
  t.deepEqual([...ann.rooms], ['friends']);
  await t.throwsAsync(ann.send('family', 'anyone?'), { instanceOf: ChatError, message: /not in that room/ });

  const left = until(ann, 'left');
  await ann.send('friends', 'here');
  await house.stop();
  await remove('friends');
  await house.start();
  const { room, error } = await left;
  t.deepEqual([room, error.code], ['friends', 'room:invalid']);
  t.is(ann.rooms.size, 0);
  t.is(ann.state, 'open');
});

test('a logout elsewhere ends the chat, and the token no longer connects', async (t) => {
  const house = await openHouse(t);
  const ann = await enter(t, house, 'ann');
  await ann.join('friends');
  const { token = '' } = ann;
  const waiting = until(ann, 'end');
  await createClient({ url: house.url, token }).logout();
  t.is((await waiting).reason, 'logged-out');
  const refused = await t.throwsAsync(ann.connect(), { instanceOf: FatalError });
  t.is(refused?.code, 'not-authenticated');
  await t.throwsAsync(ann.profile(), { instanceOf: RequestError, message: /token/i });
  await ann.login({ username: 'ann', password });
  await ann.connect();
  t.is(ann.state, 'open');
});

test('a second client of the same user is refused and the first notices nothing', async (t) => {
  const house = await openHouse(t);
  const ann = await enter(t, house, 'ann');
  const second = createClient({ url: house.url, WebSocket, token: ann.token ?? '' });
  checkFrames(t, second);
  const refused = await t.throwsAsync(second.connect(), { instanceOf: FatalError });
  t.is(refused?.code, 'already-chatting');
  t.is(second.state, 'ended');
  await ann.join('friends');
});

test('more messages at once than the server allows are all stored', async (t) => {
  const house = await openHouse(t);
  const ann = await enter(t, house, 'ann');
  await ann.join('friends');
  const sent = await Promise.all(Array.from({ length: 160 }, (_, index) => ann.send('friends', `${index}`)));
  t.is(new Set(sent.map(({ id }) => id)).size, 160);
  t.is(ann.state, 'open');
});
