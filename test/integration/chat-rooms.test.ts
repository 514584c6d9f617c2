/** Rooms as their members see them: joining, talking, commands, leaving, on every transport. */
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { silentStore, slowPages, startApp } from '../support/app.ts';
import { eachTransport } from '../support/transports.ts';

eachTransport(
  test,
  'a room shows its members who joins, what is said and commanded, and who parts',
  async (t, transport) => {
    const server = await startApp(t, { transport });
    const alice = await server.chat('alice');
    const bob = await server.chat('bob');

    const joined = await alice.ask({ type: 'join', room_name: 'friends', ref: 'j1' }, { code: 'joined' });
    t.like(joined, { you: true, user: 'alice', room_name: 'friends', ref: 'j1' });
    t.deepEqual(joined.status?.users, [{ name: 'alice', you: true }]);
    t.deepEqual(joined.status?.messages, []);
    t.is(joined.status?.last_id, 0);

    const other = await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    t.deepEqual(other.status?.users, [
      { name: 'alice', you: false },
      { name: 'bob', you: true },
    ]);
    const seen = await alice.next({ code: 'joined', user: 'bob' });
    t.false(seen.you);
    t.false('status' in seen);

    bob.send({ type: 'message', room_name: 'friends', body: '  Hello!  ', ref: 'm1' });
    const echo = await bob.next({ code: 'message' });
    t.like(echo, { you: true, user: 'bob', body: 'Hello!', id: 1, ref: 'm1' });
    const heard = await alice.next({ code: 'message' });
    t.like(heard, { you: false, user: 'bob', body: 'Hello!', id: 1, stamp: echo.stamp });
    t.false('ref' in heard);

    bob.send({ type: 'custom', room_name: 'friends', command: ' stock ', payload: ' aapl.us', ref: 'c1' });
    bob.send({ type: 'message', room_name: 'friends', command: 'stock', payload: 'wig' });
    t.like(await bob.next({ code: 'custom' }), { you: true, command: 'stock', payload: ' aapl.us', ref: 'c1' });
    t.like(await bob.next({ code: 'custom' }), { you: true, command: 'stock', payload: 'wig' });
    t.like(await alice.next({ code: 'custom' }), { you: false, user: 'bob', command: 'stock', payload: ' aapl.us' });
    t.like(await alice.next({ code: 'custom' }), { payload: 'wig' });

    t.like(await bob.ask({ type: 'part', room_name: 'friends', ref: 'p1' }, { code: 'parted' }), {
      you: true,
      ref: 'p1',
    });
    t.like(await alice.next({ code: 'parted' }), { you: false, user: 'bob' });
  },
);

eachTransport(
  test,
  'a history has the last 50 messages, newest first, and pages back to the first',
  async (t, transport) => {
    const server = await startApp(t, { transport, env: { RATE_LIMITS: 'off' } });
    const alice = await server.chat('alice');
    await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    for (let n = 1; n <= 130; n += 1) alice.send({ type: 'message', room_name: 'friends', body: `number ${n}` });
    await alice.next({ code: 'message', id: 130 });

    const bob = await server.chat('bob');
    const { status } = await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    const ids = (messages: { id: number }[] | undefined): number[] => (messages ?? []).map((message) => message.id);
    t.deepEqual(
      ids(status?.messages),
      Array.from({ length: 50 }, (_, index) => 130 - index),
    );
    const page = await bob.ask({ type: 'history', room_name: 'friends', before: 81, ref: 'h' }, { code: 'history' });
    t.like(page, { more: true, ref: 'h', room_name: 'friends' });
    t.is(page.messages?.length, limits.historyDefault);
    t.is(page.messages?.[0]?.id, 80);
    const last = await bob.ask({ type: 'history', room_name: 'friends', before: 31, limit: 500 }, { code: 'history' });
    t.deepEqual(
      ids(last.messages),
      Array.from({ length: 30 }, (_, index) => 30 - index),
    );
    t.is(last.more as boolean, false);
  },
);

eachTransport(
  test,
  'joining with since gives what came after it, and says when there was more or the number means nothing',
  async (t, transport) => {
    const server = await startApp(t, { transport, env: { RATE_LIMITS: 'off' } });
    const alice = await server.chat('alice');
    const { status } = await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    const epoch = status?.epoch;
    for (let n = 1; n <= 640; n += 1) {
      alice.send({ type: 'message', room_name: 'friends', body: `number ${n}` });
      if (n % 200 === 0) await alice.next({ code: 'message', id: n });
    }
    await alice.next({ code: 'message', id: 640 });

    const bob = await server.chat('bob');
    const rejoin = async (since: number, extra: object = {}): Promise<{ ids: number[]; truncated: boolean }> => {
      const frame = await bob.ask({ type: 'join', room_name: 'friends', since, ...extra }, { code: 'joined' });
      await bob.ask({ type: 'part', room_name: 'friends' }, { code: 'parted' });
      t.is(frame.status?.last_id, 640);
      return { ids: (frame.status?.messages ?? []).map(({ id }) => id), truncated: frame.status?.truncated === true };
    };
    const down = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from - index);
    t.deepEqual(await rejoin(640), { ids: [], truncated: false });
    t.deepEqual(await rejoin(637, { epoch }), { ids: [640, 639, 638], truncated: false });
    t.deepEqual(await rejoin(500), { ids: down(640, 140), truncated: false });
    t.deepEqual(await rejoin(140), { ids: down(640, 500), truncated: false });
    t.deepEqual(await rejoin(139), { ids: down(640, 500), truncated: true });
    t.deepEqual(await rejoin(641), { ids: down(640, 50), truncated: true });
    t.deepEqual(await rejoin(630, { epoch: 'another' }), { ids: down(640, 50), truncated: true });
    // The same of a room that nobody is in, which is loaded anew.
    await alice.ask({ type: 'part', room_name: 'friends' }, { code: 'parted' });
    for (const since of [500, 589, 590]) {
      t.deepEqual(await rejoin(since, { epoch }), { ids: down(640, 640 - since), truncated: false });
    }
  },
);

eachTransport(test, 'a message that is stored and not yet shown is in no history', async (t, transport) => {
  const { wrapStorage, stored, answer } = silentStore();
  const server = await startApp(t, { transport, overrides: { wrapStorage } });
  const alice = await server.chat('alice');
  const bob = await server.chat('bob');
  for (const client of [alice, bob]) await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  alice.send({ type: 'message', room_name: 'friends', body: 'early' });
  await stored;
  const history = { type: 'history', room_name: 'friends' };
  t.deepEqual((await bob.ask(history, { code: 'history' })).messages, []);
  answer();
  await bob.next({ code: 'message', id: 1 });
  t.is((await bob.ask(history, { code: 'history' })).messages?.length, 1);
});

eachTransport(
  test,
  'what happens while the messages of a join are read follows the join, up to a MiB',
  async (t, transport) => {
    let read: () => void = () => {};
    let isOver = Promise.resolve();
    const begin = (): void => {
      isOver = new Promise((resolve) => {
        read = resolve;
      });
    };
    const wrapStorage = slowPages(() => isOver);
    const server = await startApp(t, { transport, env: { RATE_LIMITS: 'off' }, overrides: { wrapStorage } });
    const alice = await server.chat('alice');
    const bob = await server.chat('bob');
    await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    const say = async (body: string, from: number, to: number): Promise<void> => {
      for (let n = from; n <= to; n += 1) alice.send({ type: 'message', room_name: 'friends', body });
      await alice.next({ code: 'message', id: to });
    };
    // More than memory holds, so that the store is asked.
    const known = limits.joinMessages + 10;
    await say('before', 1, known);
    const join = { type: 'join', room_name: 'friends', since: 0 };

    begin();
    bob.send(join);
    await bob.delivered();
    await say('meanwhile', known + 1, known + 2);
    await alice.ask({ type: 'custom', room_name: 'friends', command: 'c', payload: 'p' }, { code: 'custom' });
    t.deepEqual(bob.frames.slice(1), []);
    read();
    const { status } = await bob.next({ code: 'joined', you: true });
    t.is(status?.last_id, known);
    t.is(status?.messages.length, known);
    await bob.next({ code: 'custom' });
    const held = bob.frames.slice(2).map((frame) => frame.id ?? frame.code);
    t.deepEqual(held, [known + 1, known + 2, 'custom']);
    await bob.ask({ type: 'part', room_name: 'friends' }, { code: 'parted' });

    begin();
    bob.send({ ...join, ref: 'too much' });
    await bob.delivered();
    const tooMany = Math.ceil(limits.unwrittenBytes / limits.bodyLength) + 1;
    await say('x'.repeat(limits.bodyLength), known + 3, known + 2 + tooMany);
    read();
    t.is((await bob.next({ ref: 'too much' })).code, 'unavailable');
    t.like(await bob.ask({ type: 'part', room_name: 'friends' }, { type: 'error' }), { code: 'room:not-joined' });
  },
);

eachTransport(
  test,
  'a status with since and a history hold at most 256 KiB, the newest of what was asked for',
  async (t, transport) => {
    const server = await startApp(t, { transport, env: { RATE_LIMITS: 'off' } });
    const alice = await server.chat('alice');
    await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    // Quotation marks take two bytes each once they are encoded: the bound counts what goes over the wire.
    const body = '"'.repeat(limits.bodyLength);
    for (let n = 0; n < 60; n += 1) alice.send({ type: 'message', room_name: 'friends', body });
    await alice.next({ code: 'message', id: 60 });
    const page = await alice.ask({ type: 'history', room_name: 'friends', limit: 200 }, { code: 'history' });
    const bob = await server.chat('bob');
    const joined = await bob.ask({ type: 'join', room_name: 'friends', since: 1 }, { code: 'joined' });
    for (const [messages, more] of [
      [page.messages, page.more],
      [joined.status?.messages, joined.status?.truncated],
    ] as const) {
      t.is(more as boolean, true);
      t.is(messages?.[0]?.id, 60);
      const bytes = JSON.stringify(messages).length;
      t.true(bytes <= limits.historyBytes && bytes > limits.historyBytes - 2 * 8300, `${bytes} bytes`);
    }
    // What a plain join shows is bounded by its number alone.
    await bob.ask({ type: 'part', room_name: 'friends' }, { code: 'parted' });
    const plain = await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    t.is(plain.status?.messages.length, limits.joinMessages);
  },
);

eachTransport(
  test,
  'the same ref is stored once, answered with repeat, and refused for another text',
  async (t, transport) => {
    const server = await startApp(t, { transport });
    const alice = await server.chat('alice');
    const bob = await server.chat('bob');
    await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    for (const body of ['once', 'once', 'other', 'once'])
      alice.send({ type: 'message', room_name: 'friends', body, ref: 'r' });
    t.like(await alice.next({ ref: 'r' }), { code: 'message', id: 1 });
    t.like(await alice.next({ ref: 'r' }), { code: 'message', id: 1, repeat: true });
    t.like(await alice.next({ ref: 'r' }), { type: 'error', code: 'ref-reused' });
    t.like(await alice.next({ ref: 'r' }), { code: 'message', id: 1, repeat: true });
    // The same ref of another user, and in another room, is another key.
    bob.send({ type: 'message', room_name: 'friends', body: 'mine', ref: 'r' });
    t.like(await bob.next({ ref: 'r' }), { code: 'message', id: 2 });
    await alice.settle();
    t.deepEqual(
      alice.frames.filter((frame) => frame.code === 'message' && frame.repeat !== true).map((frame) => frame.id),
      [1, 2],
    );
  },
);

eachTransport(test, 'a command with a ref of this session is relayed once', async (t, transport) => {
  const server = await startApp(t, { transport });
  const alice = await server.chat('alice');
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const command = { type: 'custom', room_name: 'friends', command: 'stock', payload: 'wig', ref: 'once' };
  alice.send(command);
  alice.send(command);
  alice.send({ ...command, ref: 'twice' });
  await alice.next({ code: 'custom', ref: 'twice' });
  t.is(alice.frames.filter((frame) => frame.code === 'custom').length, 2);
});

eachTransport(test, 'a session remembers the refs of its last 1,000 commands', async (t, transport) => {
  const server = await startApp(t, { transport, env: { RATE_LIMITS: 'off' } });
  const alice = await server.chat('alice');
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const command = { type: 'custom', room_name: 'friends', command: 'stock', payload: 'wig' };
  for (let n = 0; n < limits.commandRefs; n += 1) {
    alice.send({ ...command, ref: `r${n}` });
    // A thousand requests are too much for one deadline.
    if (n % 100 === 99) await alice.next({ code: 'custom', ref: `r${n}` });
  }
  alice.send({ ...command, ref: 'r0' });
  alice.send({ ...command, ref: 'one more' });
  alice.send({ ...command, ref: 'r1' });
  alice.send({ ...command, ref: 'r0' });
  await alice.ask({ type: 'list', ref: 'end' }, { ref: 'end' });
  const relayed = alice.frames.filter((frame) => frame.code === 'custom').map((frame) => frame.ref);
  t.deepEqual(relayed.slice(limits.commandRefs), ['one more', 'r0']);
});

eachTransport(test, 'client messages of one session take effect in the order sent', async (t, transport) => {
  const server = await startApp(t, { transport });
  const watcher = await server.chat('watcher');
  await watcher.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const alice = await server.chat('alice');
  alice.send({ type: 'join', room_name: 'friends' });
  for (let n = 1; n <= 5; n += 1) alice.send({ type: 'message', room_name: 'friends', body: `m${n}` });
  alice.send({ type: 'custom', room_name: 'friends', command: 'c', payload: 'p' });
  alice.send({ type: 'message', room_name: 'friends', body: 'm6' });
  alice.send({ type: 'part', room_name: 'friends' });
  alice.send({ type: 'message', room_name: 'friends', body: 'too late', ref: 'late' });
  alice.send({ type: 'join', room_name: 'friends' });
  await alice.next({ code: 'room:not-joined', ref: 'late' });
  await alice.next({ code: 'joined' });
  await watcher.next({ code: 'parted', user: 'alice' });
  await watcher.next({ code: 'joined', user: 'alice' });
  const story = watcher.frames.slice(2).map((frame) => frame.body ?? frame.command ?? frame.code);
  t.deepEqual(story, ['joined', 'm1', 'm2', 'm3', 'm4', 'm5', 'c', 'm6', 'parted', 'joined']);
});

eachTransport(
  test,
  'what was sent just before the connection closed takes effect before the parting',
  async (t, transport) => {
    const { wrapStorage, stored, answer } = silentStore();
    const server = await startApp(t, { transport, overrides: { wrapStorage } });
    const watcher = await server.chat('watcher');
    await watcher.ask({ type: 'join', room_name: 'family' }, { code: 'joined' });
    const alice = await server.chat('alice');
    alice.send({ type: 'join', room_name: 'family' });
    alice.send({ type: 'message', room_name: 'family', body: 'last 1' });
    // Waits for the outcome of what was sent before it, as does what follows it.
    alice.send({ type: 'custom', room_name: 'family', command: 'c', payload: 'p' });
    alice.send({ type: 'message', room_name: 'family', body: 'last 2' });
    await stored;
    const closed = alice.close();
    // A DELETE is answered when the rooms have seen the parting.
    if (transport === 'websocket') await closed;
    await watcher.settle();
    answer();
    await closed;
    await watcher.next({ code: 'parted', user: 'alice' });
    const story = watcher.frames.slice(2).map((frame) => frame.body ?? frame.code);
    t.deepEqual(story, ['joined', 'last 1', 'custom', 'last 2', 'parted']);
  },
);

eachTransport(test, 'a direct answer comes after the echoes of what was sent before it', async (t, transport) => {
  const server = await startApp(t, { transport });
  const alice = await server.chat('alice');
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const before = alice.frames.length;
  alice.send({ type: 'message', room_name: 'friends', body: 'm1' });
  alice.send({ type: 'list' });
  alice.send({ type: 'custom', room_name: 'friends', command: 'c', payload: 'p' });
  alice.send({ type: 'help' });
  alice.send({ type: 'message', room_name: 'friends', body: 'm2' });
  alice.send({ type: 'history', room_name: 'friends', ref: 'h' });
  const { messages } = await alice.next({ code: 'history' });
  t.deepEqual(
    alice.frames.slice(before).map((frame) => frame.code),
    ['message', 'list', 'custom', 'help', 'message', 'history'],
  );
  t.deepEqual(
    messages?.map((message) => message.body),
    ['m2', 'm1'],
  );
});
