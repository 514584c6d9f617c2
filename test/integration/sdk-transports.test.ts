/** The client SDK on the real server over each transport: the same chat, the same session through cuts and switches. */
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import {
  ChatError,
  type Client,
  type ClientOptions,
  connectionTimes,
  createClient,
  type TransportKind,
  type WebSocketConstructor,
} from '../../src/client/index.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { checkFrames } from '../support/asyncapi.ts';
import { until } from '../support/scripted-client.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const transports = ['websocket', 'sse', 'poll'] as const;

/** A client of `username`, in the chat. */
async function enter(
  t: ExecutionContext,
  app: TestApp,
  username: string,
  { resume, ...options }: Partial<ClientOptions> & { resume?: NonNullable<Parameters<Client['connect']>[0]>['resume'] },
): Promise<Client> {
  // Small chances keep the waits between attempts short.
  const random = (): number => Math.random() / 50;
  const token = options.token ?? (await app.login(username));
  const client = createClient({ url: app.url, token, WebSocket, random, ...options });
  checkFrames(t, client);
  t.teardown(() => client.close());
  await client.connect(resume === undefined ? {} : { resume });
  return client;
}

type Told = { bodies: string[]; commands: string[]; others: string[] };

/** What a client is told: bodies, payloads of commands, and who comes and goes. */
function listen(client: Client): Told {
  const told: Told = { bodies: [], commands: [], others: [] };
  client.on('message', ({ body }) => told.bodies.push(body));
  client.on('custom', ({ payload }) => told.commands.push(payload));
  client.on('joined', ({ user, you }) => told.others.push(`joined ${user}${you ? ' (me)' : ''}`));
  client.on('parted', ({ user }) => told.others.push(`parted ${user}`));
  client.on('rejoined', ({ gap }) => told.others.push(gap ? 'rejoined with a gap' : 'rejoined'));
  client.on('error', ({ code }) => told.others.push(`error ${code}`));
  return told;
}

const heard = (client: Client, body: string): Promise<unknown> =>
  until(client, 'message', (message) => message.body === body);

for (const transport of transports) {
  test(`over ${transport}, two people talk, ask and leave`, async (t) => {
    const app = await startApp(t);
    const ann = await enter(t, app, 'ann', { transport: 'websocket' });
    const bob = await enter(t, app, 'bob', { transport });
    t.is(bob.transport, transport);
    const told = listen(bob);
    t.true((await bob.list()).some(({ name }) => name === 'friends'));
    t.regex(await bob.help(), /room_name/);
    await ann.join('friends');
    await bob.join('friends');
    const hello = heard(bob, 'hello');
    await ann.send('friends', 'hello');
    await hello;
    const command = until(ann, 'custom');
    await bob.command('friends', 'stock', 'aapl.us');
    t.like(await command, { user: 'bob', payload: 'aapl.us' });
    const { id } = await bob.send('friends', 'bye');
    t.like((await bob.history('friends', { limit: 1 })).messages[0] ?? {}, { id, body: 'bye' });
    await t.throwsAsync(bob.join('nowhere'), { message: /no room/ });
    await t.throwsAsync(bob.send('friends', 'x'.repeat(5_000)), { message: /longer/ });
    const parted = until(ann, 'parted');
    await bob.part('friends');
    t.is((await parted).user, 'bob');
    await bob.join('friends');
    const left = until(ann, 'parted');
    await bob.close();
    t.is((await left).user, 'bob');
    t.deepEqual(told, {
      bodies: ['hello', 'bye'],
      commands: ['aapl.us'],
      others: ['joined bob (me)', 'parted bob', 'joined bob (me)'],
    });
  });

  test(`over ${transport}, a line cut again and again loses nothing, repeats nothing and leaves no room`, async (t) => {
    const app = await startApp(t, { env: { RATE_LIMITS: 'off' } });
    const proxy = await openTcpProxy(app.url);
    t.teardown(() => proxy.close());
    const ann = await enter(t, app, 'ann', { transport: 'websocket' });
    const bob = await enter(t, app, 'bob', { transport, url: proxy.url.replace(/\/$/, '') });
    await ann.join('friends');
    await bob.join('friends');
    const told = { ann: listen(ann), bob: listen(bob) };
    const wanted = await talkWhileCutting(ann, bob, proxy);
    const last = [heard(ann, 'last'), heard(bob, 'last')];
    await ann.send('friends', 'last');
    await Promise.all(last);
    t.is(new Set(told.ann.bodies).size, told.ann.bodies.length);
    t.deepEqual([...told.ann.bodies].sort(), [...wanted.bodies, 'last'].sort());
    t.deepEqual(told.bob.bodies, told.ann.bodies);
    for (const { commands } of Object.values(told)) t.deepEqual([...commands].sort(), [...wanted.commands].sort());
    t.deepEqual([told.ann.others, told.bob.others], [[], []]);
  });

  test(`over ${transport}, a client takes the place of another that lives, and each is told`, async (t) => {
    const app = await startApp(t);
    const ann = await enter(t, app, 'ann', { transport: 'websocket' });
    const bob = await enter(t, app, 'bob', { transport });
    await ann.join('friends');
    await bob.join('friends');
    const token = bob.token ?? '';
    const again = createClient({ url: app.url, token, WebSocket, transport });
    checkFrames(t, again);
    t.teardown(() => again.close());
    await t.throwsAsync(again.connect(), { message: /another connection/ });
    t.is(bob.state, 'open');
    const [end, parted] = [until(bob, 'end'), until(ann, 'parted')];
    await again.connect({ takeover: true });
    t.is((await end).reason, 'resumed-elsewhere');
    t.is((await parted).user, 'bob');
    await again.join('friends');
    await again.send('friends', 'here now');
    t.is(again.state, 'open');
    t.is(bob.state, 'ended');
  });

  test(`over ${transport}, a client is told what administrators do`, async (t) => {
    const app = await startApp(t);
    const bob = await enter(t, app, 'bob', { transport });
    await bob.join('friends');
    const { id } = await bob.send('friends', 'spam');
    const storage = await app.elsewhere();
    const deleted = until(bob, 'deleted');
    await storage.messages.delete((await storage.rooms.findByName('friends'))?.id ?? 0, id);
    t.deepEqual(await deleted, { room: 'friends', id });
    const userId = (await storage.users.findByName('bob'))?.id ?? 0;
    await storage.users.mute(userId, Date.now() + 3_600_000);
    // A name that is not known is looked for in the store, and so are the changes.
    await t.throwsAsync(bob.join('no-such-room'));
    const muted = await t.throwsAsync(bob.send('friends', 'more spam'), { instanceOf: ChatError });
    t.like(muted, { code: 'room:muted', details: { name: 'friends' } });
    t.regex(muted?.details.until ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    await t.throwsAsync(bob.command('friends', 'stock', 'x'), { message: /muted/ });
    const end = until(bob, 'end');
    await storage.users.kick(userId);
    t.is((await end).reason, 'kicked');
    await bob.connect();
    t.is(bob.state, 'open');
  });

  for (const other of transports) {
    test(`a session over ${transport} is exported and goes on in another client over ${other}`, async (t) => {
      const app = await startApp(t);
      const ann = await enter(t, app, 'ann', { transport: 'websocket' });
      const bob = await enter(t, app, 'bob', { transport });
      await ann.join('friends');
      await bob.join('friends');
      const told = { ann: listen(ann), bob: listen(bob) };
      const one = heard(bob, 'one');
      await ann.send('friends', 'one');
      await one;
      const exported: unknown = JSON.parse(JSON.stringify(await bob.suspend()));
      await ann.send('friends', 'two');
      await ann.command('friends', 'stock', 'three');
      const again = createClient({ url: app.url, token: bob.token ?? '', WebSocket, transport: other });
      t.teardown(() => again.close());
      const next = listen(again);
      const resumed = until(again, 'session');
      await again.connect({ resume: exported as never });
      t.deepEqual(await resumed, { resumed: true });
      await again.send('friends', 'four');
      t.deepEqual(told.bob.bodies, ['one']);
      t.deepEqual(next, { bodies: ['two', 'four'], commands: ['three'], others: [] });
      t.deepEqual(told.ann.others, []);
    });
  }
}

/** Both talk and command while Bob's line is cut; resolves with what was said. */
async function talkWhileCutting(
  ann: Client,
  bob: Client,
  proxy: TcpProxy,
): Promise<{ bodies: string[]; commands: string[] }> {
  const bodies: string[] = [];
  const commands: string[] = [];
  const sent: Promise<unknown>[] = [];
  for (let round = 0; round < 6; round += 1) {
    for (const [name, client] of Object.entries({ ann, bob })) {
      for (let number = 0; number < 10; number += 1) {
        bodies.push(`${name} ${round}-${number}`);
        sent.push(client.send('friends', `${name} ${round}-${number}`));
      }
      commands.push(`${name} ${round}`);
      sent.push(client.command('friends', 'note', `${name} ${round}`));
    }
    await sent.at(-13);
    proxy.cut();
    // What was cut may have been between two lines; the next round begins in the chat.
    if (bob.state !== 'open') await until(bob, 'state', ({ state }) => state === 'open');
  }
  await Promise.all(sent);
  return { bodies, commands };
}

test('an exported session whose grace is over is followed by a new one that misses no message', async (t) => {
  const app = await startApp(t, { env: { SESSION_GRACE: '1' } });
  const ann = await enter(t, app, 'ann', {});
  const bob = await enter(t, app, 'bob', {});
  await ann.join('friends');
  await bob.join('friends');
  const parted = until(ann, 'parted');
  const resume = await bob.suspend();
  await ann.send('friends', 'one');
  await parted;
  await ann.send('friends', 'two');
  const again = createClient({ url: app.url, token: bob.token ?? '', WebSocket });
  t.teardown(() => again.close());
  const told = listen(again);
  const two = heard(again, 'two');
  await again.connect(resume === undefined ? {} : { resume });
  await two;
  t.deepEqual(told, { bodies: ['one', 'two'], commands: [], others: ['rejoined'] });
});

test('where WebSockets do not get through, the chat goes over an event stream, and back once they do', async (t) => {
  const app = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  const { open, isOpen, BlockedWebSocket } = await openBlockedPath(t, app);
  const ann = await enter(t, app, 'ann', { transport: 'websocket' });
  const bob = await enter(t, app, 'bob', { WebSocket: BlockedWebSocket, timers: hasty(isOpen) });
  t.is(bob.transport, 'sse');
  await ann.join('friends');
  await bob.join('friends');
  const told = { ann: listen(ann), bob: listen(bob) };
  const switches: (TransportKind | undefined)[] = [];
  bob.on('transport', ({ transport }) => switches.push(transport));
  const wanted: string[] = [];
  open();
  for (let number = 0; bob.transport !== 'websocket' || number < 50; number += 1) {
    wanted.push(`ann ${number}`, `bob ${number}`);
    await Promise.all([ann.send('friends', `ann ${number}`), bob.send('friends', `bob ${number}`)]);
  }
  const last = heard(bob, 'last');
  await ann.send('friends', 'last');
  await last;
  t.deepEqual(switches, ['websocket']);
  t.deepEqual([...told.ann.bodies].sort(), [...wanted, 'last'].sort());
  t.deepEqual(told.bob.bodies, told.ann.bodies);
  t.deepEqual([told.ann.others, told.bob.others], [[], []]);
});

test('polls climb to a WebSocket in the midst of talk', async (t) => {
  const app = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  const { open, isOpen, BlockedWebSocket } = await openBlockedPath(t, app);
  const ann = await enter(t, app, 'ann', { transport: 'websocket' });
  const bob = await enter(t, app, 'bob', {
    WebSocket: BlockedWebSocket,
    timers: hasty(isOpen),
    // Something on the way lets no stream through.
    fetch: (url, init) =>
      url.includes('/sse/') && init.method === 'GET' ? Promise.reject(new TypeError('no')) : fetch(url, init),
  });
  t.is(bob.transport, 'poll');
  await ann.join('friends');
  await bob.join('friends');
  const told = { ann: listen(ann), bob: listen(bob) };
  open();
  for (let number = 0; bob.transport !== 'websocket'; number += 1) await ann.send('friends', `${number}`);
  const last = heard(bob, 'last');
  await ann.send('friends', 'last');
  await last;
  t.deepEqual(told.bob.bodies, told.ann.bodies);
  t.deepEqual([told.ann.others, told.bob.others], [[], []]);
});

/** Time as it is, but the way back up is tried soon after `isOpen`: before that it would fail, and be left for minutes. */
function hasty(isOpen: Promise<void>): NonNullable<ClientOptions['timers']> {
  const dropped = new Set<unknown>();
  return {
    setTimeout(run, ms) {
      const isClimb = ms > connectionTimes.climbMs - 1_000 && ms <= connectionTimes.climbMs;
      if (!isClimb) return setTimeout(run, ms);
      const handle = {};
      void isOpen.then(() =>
        setTimeout(() => {
          if (!dropped.has(handle)) run();
        }, 200),
      );
      return handle;
    },
    clearTimeout(handle) {
      dropped.add(handle);
      clearTimeout(handle as NodeJS.Timeout);
    },
  };
}

/** A WebSocket class whose sockets go through a proxy that refuses them until told otherwise. */
async function openBlockedPath(
  t: ExecutionContext,
  app: TestApp,
): Promise<{ open: () => void; isOpen: Promise<void>; BlockedWebSocket: WebSocketConstructor }> {
  const blocked = await openTcpProxy(app.url);
  t.teardown(() => blocked.close());
  blocked.refuse();
  class BlockedWebSocket extends WebSocket {
    constructor(url: string) {
      super(url.replace(new URL(url).host, new URL(blocked.url).host));
    }
  }
  let noteOpen: () => void = () => {};
  const isOpen = new Promise<void>((resolve) => {
    noteOpen = resolve;
  });
  const open = (): void => {
    blocked.resume();
    noteOpen();
  };
  return { open, isOpen, BlockedWebSocket };
}
