import test from 'ava';
import { chatting, comeBack, join, reconnect, settled, until } from '../../test/support/scripted-client.ts';
import { custom, entry, joined, message, parted, status } from '../../test/support/scripted-server.ts';
import { ChatError, ConnectionError, limits, requestLimits } from './index.ts';

test('answers find their requests by ref, in whatever order they come', async (t) => {
  const { client, line } = await chatting(t);
  const asked = [client.list(), client.help(), client.history('r', { before: 9, limit: 2 }), client.join('s')] as const;
  const list = await line.next('list');
  const help = await line.next('help');
  const history = await line.next('history');
  const joining = await line.next('join');
  t.like(history, { room_name: 'r', before: 9, limit: 2 });
  line.send(joined('s', joining.ref, status([1])));
  line.send({
    type: 'notification',
    code: 'history',
    room_name: 'r',
    messages: [entry(8)],
    more: true,
    ref: history.ref,
  });
  line.send({ type: 'notification', code: 'list', list: [{ name: 'r', joined: true }], ref: list.ref });
  line.send({ type: 'notification', code: 'help', help: 'text', ref: help.ref });
  t.deepEqual(await Promise.all(asked), [
    [{ name: 'r', joined: true }],
    'text',
    { messages: [entry(8)], more: true },
    status([1]),
  ]);
});

test('refs are unique among clients, begin with the time, and are not too long', async (t) => {
  const earliest = Date.now();
  const refs: string[] = [];
  for (const { client, line } of [await chatting(t), await chatting(t)]) {
    for (const _ of [1, 2]) {
      const asked = client.help();
      const { ref } = await line.next('help');
      refs.push(ref);
      line.send({ type: 'notification', code: 'help', help: 'text', ref });
      await asked;
    }
  }
  t.is(new Set(refs.map((ref) => ref.slice(ref.indexOf('-')))).size, refs.length);
  t.true(refs.every((ref) => ref.length <= 40));
  const times = refs.map((ref) => Number.parseInt(ref, 36));
  const inOrder = [earliest, ...times, Date.now()];
  t.deepEqual(
    inOrder.toSorted((one, other) => one - other),
    inOrder,
  );
});

test('an own message resolves its promise and is told once', async (t) => {
  const { client, line, told } = await chatting(t);
  await join(client, line, 'r');
  const sent = client.send('r', 'hello', { ref: 'mine' });
  const frame = await line.next('message');
  t.deepEqual(frame, { type: 'message', room_name: 'r', body: 'hello', ref: 'mine' });
  line.send(message('r', 1, { ref: 'mine', body: 'hello' }));
  t.deepEqual(await sent, { id: 1, stamp: '2020-09-26 12:12:13', ref: 'mine', repeat: false });
  t.deepEqual(told, ['joined r bob', 'message r 1']);
});

test('a command resolves when it comes back, and is told', async (t) => {
  const { client, line, told } = await chatting(t);
  await join(client, line, 'r');
  const done = client.command('r', 'stock', 'aapl.us');
  const { ref, ...frame } = await line.next('custom');
  t.deepEqual(frame, { type: 'custom', room_name: 'r', command: 'stock', payload: 'aapl.us' });
  line.send(custom('r', 'stock', 'aapl.us', ref));
  await done;
  t.deepEqual(told, ['joined r bob', 'custom r stock=aapl.us']);
});

test('a refusal rejects its request alone, with code, details and ref', async (t) => {
  const { client, line, told } = await chatting(t);
  const refused = t.throwsAsync(client.join('nowhere'), { instanceOf: ChatError });
  const { ref } = await line.next('join');
  line.send({ type: 'error', code: 'room:invalid', details: { name: 'nowhere' }, ref });
  const error = await refused;
  t.is(error?.code, 'room:invalid');
  t.deepEqual(error?.details, { name: 'nowhere' });
  t.is(error?.ref, ref);
  t.deepEqual(told, []);
});

test('an error that nobody waits for is told', async (t) => {
  const { client, line, told } = await chatting(t);
  line.send({ type: 'error', code: 'invalid-format' });
  line.send({ type: 'error', code: 'room:not-joined', details: { name: 'r' }, ref: 'stranger' });
  await settled(client, line);
  t.deepEqual(told, ['error invalid-format', 'error room:not-joined']);
});

test('the refusal of what a browser has posted twice is not told', async (t) => {
  const { client, line, told } = await chatting(t);
  const joining = client.join('r');
  const { ref } = await line.next('join');
  const again = { type: 'error', code: 'room:already-joined', details: { name: 'r' }, ref } as const;
  line.send(joined('r', ref, status([])));
  line.send(again);
  await joining;
  await settled(client, line);
  t.deepEqual(told, ['joined r bob']);
  // It is not kept for ever: one POST holds no more than this.
  for (let asked = 0; asked < limits.batchMessages; asked += 1) await settled(client, line);
  line.send(again);
  await settled(client, line);
  t.deepEqual(told, ['joined r bob', 'error room:already-joined']);
});

test('two clients never make the same ref', async (t) => {
  const refs = new Set<string>();
  for (let clients = 0; clients < 3; clients += 1) {
    const { client, line } = await chatting(t);
    for (let times = 0; times < 3; times += 1) {
      const listed = client.list();
      const { ref } = await line.next('list');
      line.send({ type: 'notification', code: 'list', list: [], ref });
      await listed;
      t.true(ref.length >= 16 && ref.length <= limits.refLength, ref);
      refs.add(ref);
    }
  }
  t.is(refs.size, 9);
});

test('a message that was cut off is sent again with its ref, after the room was joined again', async (t) => {
  const scene = await chatting(t);
  const { client, told } = scene;
  await join(client, scene.line, 'r');
  const sent = client.send('r', 'hello');
  const { ref } = await scene.line.next('message');
  const line = await reconnect(scene, scene.line);
  const rejoin = await line.next('join');
  await settled(client, line);
  line.send(joined('r', rejoin.ref, status([])));
  t.deepEqual(await line.next('message'), { type: 'message', room_name: 'r', body: 'hello', ref });
  line.send(message('r', 1, { ref, body: 'hello' }));
  t.like(await sent, { id: 1, ref, repeat: false });
  t.deepEqual(told, ['joined r bob', 'rejoined r', 'message r 1']);
});

test('a message whose echo was cut off is told from the status, and its repeat only settles it', async (t) => {
  const scene = await chatting(t);
  const { client, told } = scene;
  await join(client, scene.line, 'r');
  const sent = client.send('r', 'hello');
  const { ref } = await scene.line.next('message');
  const line = await reconnect(scene, scene.line);
  const rejoin = await line.next('join');
  line.send(joined('r', rejoin.ref, status([1])));
  await line.next('message');
  line.send(message('r', 1, { ref, body: 'hello', repeat: true }));
  t.like(await sent, { id: 1, ref, repeat: true });
  t.deepEqual(told, ['joined r bob', 'rejoined r', 'message r 1']);
});

test('messages that wait for a new session are sent in the order they were given', async (t) => {
  const scene = await chatting(t);
  const { client } = scene;
  await join(client, scene.line, 'r');
  const sent = [client.send('r', '1'), client.send('r', '2')];
  await scene.line.next('message');
  await scene.line.next('message');
  const waiting = until(client, 'state', ({ state }) => state === 'waiting');
  scene.line.cut();
  await waiting;
  sent.push(client.send('r', '3'));
  const line = await comeBack(scene);
  const rejoin = await line.next('join');
  line.send(joined('r', rejoin.ref, status([])));
  for (const id of [1, 2, 3]) {
    const { body, ref } = await line.next('message');
    t.is(body, `${id}`);
    line.send(message('r', id, { ref, body }));
  }
  t.deepEqual(
    (await Promise.all(sent)).map(({ id }) => id),
    [1, 2, 3],
  );
});

test('a command that was cut off is not sent again and says so', async (t) => {
  const scene = await chatting(t);
  await join(scene.client, scene.line, 'r');
  const done = t.throwsAsync(scene.client.command('r', 'stock', 'x', { ref: 'c1' }), {
    instanceOf: ConnectionError,
    message: /not known to be delivered/,
  });
  await scene.line.next('custom');
  const line = await reconnect(scene, scene.line);
  const error = await done;
  t.is(error?.reason, 'lost');
  t.is(error?.ref, 'c1');
  const rejoin = await line.next('join');
  line.send(joined('r', rejoin.ref, status([])));
  await settled(scene.client, line);
});

test('a command given while the line is away is sent once, when the room is joined again', async (t) => {
  const scene = await chatting(t);
  await join(scene.client, scene.line, 'r');
  const waiting = until(scene.client, 'state', ({ state }) => state === 'waiting');
  scene.line.cut();
  await waiting;
  const done = scene.client.command('r', 'stock', 'x');
  const line = await comeBack(scene);
  const rejoin = await line.next('join');
  line.send(joined('r', rejoin.ref, status([])));
  const { ref } = await line.next('custom');
  line.send(custom('r', 'stock', 'x', ref));
  await done;
  t.deepEqual(scene.told, ['joined r bob', 'rejoined r', 'custom r stock=x']);
});

test('questions that were cut off are asked again', async (t) => {
  const scene = await chatting(t);
  await join(scene.client, scene.line, 'r');
  const list = scene.client.list();
  const part = scene.client.part('r');
  await scene.line.next('list');
  await scene.line.next('part');
  const line = await reconnect(scene, scene.line);
  const rejoin = await line.next('join');
  line.send({ type: 'notification', code: 'list', list: [], ref: (await line.next('list')).ref });
  t.deepEqual(await list, []);
  line.send(joined('r', rejoin.ref, status([])));
  line.send(parted('r', true, (await line.next('part')).ref));
  await part;
  t.is(scene.client.rooms.size, 0);
});

test('a refusal for too many messages waits as long as it says, and then goes on', async (t) => {
  const { client, line, timers, told } = await chatting(t);
  await join(client, line, 'r');
  const sent = [client.send('r', '1'), client.send('r', '2')];
  const first = await line.next('message');
  const second = await line.next('message');
  const refusal = { type: 'error', code: 'rate-limited', details: { retry_after: 2 } } as const;
  const refused = until(client, 'frame', (frame) => 'ref' in frame && frame.ref === second.ref);
  line.send({ ...refusal, ref: first.ref });
  line.send({ ...refusal, ref: second.ref });
  await refused;
  timers.advance(1_999);
  t.deepEqual(line.unread, []);
  timers.advance(1);
  // One at a time until the server takes more.
  t.is((await line.next('message')).ref, first.ref);
  t.deepEqual(line.unread, []);
  line.send(message('r', 1, { ref: first.ref, body: '1' }));
  t.is((await line.next('message')).ref, second.ref);
  line.send(message('r', 2, { ref: second.ref, body: '2' }));
  await Promise.all(sent);
  t.deepEqual(told, ['joined r bob', 'message r 1', 'message r 2']);
});

test('a message that is not known to be stored is sent again after a growing wait, with its ref', async (t) => {
  const { client, line, timers } = await chatting(t, { random: () => 0.999_999 });
  await join(client, line, 'r');
  const sent = client.send('r', 'hello');
  const { ref } = await line.next('message');
  const waits: number[] = [];
  for (let times = 0; times < 6; times += 1) {
    const refused = until(client, 'frame');
    line.send({ type: 'error', code: 'unavailable', ref });
    await refused;
    waits.push(Math.ceil((timers.waits[0] ?? 0) / 100) * 100);
    timers.advance(timers.waits[0] ?? 0);
    t.is((await line.next('message')).ref, ref);
  }
  line.send(message('r', 1, { ref, repeat: true }));
  t.like(await sent, { id: 1, repeat: true });
  t.deepEqual(waits, [1000, 1500, 2500, 4500, 5500, 5500]);
});

test('a command that is not known to be relayed is refused, not sent again', async (t) => {
  const { client, line } = await chatting(t);
  await join(client, line, 'r');
  const done = t.throwsAsync(client.command('r', 'stock', 'x'), { instanceOf: ChatError });
  const { ref } = await line.next('custom');
  line.send({ type: 'error', code: 'unavailable', ref });
  t.is((await done)?.code, 'unavailable');
});

test('a thousand waiting messages go a window at a time', async (t) => {
  const scene = await chatting(t);
  const { client } = scene;
  await join(client, scene.line, 'r');
  const waiting = until(client, 'state', ({ state }) => state === 'waiting');
  scene.line.cut();
  await waiting;
  const sent = Array.from({ length: requestLimits.pending }, (_, index) => client.send('r', `${index}`));
  const beyond = await t.throwsAsync(client.send('r', 'one more'), { instanceOf: ConnectionError });
  t.is(beyond?.reason, 'too-many-pending');

  const line = await comeBack(scene);
  const rejoin = await line.next('join');
  let most = 0;
  let open = 0;
  let id = 0;
  line.answer('message', ({ ref, body }) => {
    open += 1;
    most = Math.max(most, open);
    setImmediate(() => {
      open -= 1;
      id += 1;
      line.send(message('r', id, { ref, body }));
    });
  });
  line.send(joined('r', rejoin.ref, status([])));
  const stored = await Promise.all(sent);
  t.deepEqual(
    stored.map((one) => one.id),
    stored.map((_, index) => index + 1),
  );
  t.true(most <= requestLimits.window, `${most} at once`);
});

test('the same message with the ref of one that waits shares its answer', async (t) => {
  const { client, line } = await chatting(t);
  await join(client, line, 'r');
  const sent = [client.send('r', 'hello', { ref: 'same' }), client.send('r', 'hello', { ref: 'same' })];
  const other = await t.throwsAsync(client.send('r', 'other', { ref: 'same' }), { instanceOf: ChatError });
  t.is(other?.code, 'ref-reused');
  await line.next('message');
  line.send(message('r', 1, { ref: 'same', body: 'hello' }));
  t.deepEqual(
    (await Promise.all(sent)).map(({ id }) => id),
    [1, 1],
  );
  t.deepEqual(line.unread, []);
});

test('a message too large for any connection is refused at once', async (t) => {
  const { client, line } = await chatting(t);
  await join(client, line, 'r');
  const error = await t.throwsAsync(client.send('r', 'ü'.repeat(40_000)), { instanceOf: ChatError });
  t.is(error?.code, 'room:message-too-long');
  await settled(client, line);
});

test('a command given the moment the line is lost waits for the next one', async (t) => {
  const scene = await chatting(t);
  const { client } = scene;
  await join(client, scene.line, 'r');
  let done: Promise<void> | undefined;
  client.on('state', ({ state }) => {
    if (state === 'waiting') done = client.command('r', 'stock', 'x');
  });
  const line = await reconnect(scene, scene.line);
  const rejoin = await line.next('join');
  line.send(joined('r', rejoin.ref, status([])));
  const { ref } = await line.next('custom');
  line.send(custom('r', 'stock', 'x', ref));
  await done;
  t.is(scene.told.at(-1), 'custom r stock=x');
});

test('after a listener closes the client nothing more is told', async (t) => {
  const { client, line, told } = await chatting(t);
  await join(client, line, 'r');
  const end = until(client, 'end');
  client.on('frame', () => void client.close());
  line.send(message('r', 1));
  await end;
  await line.closed;
  t.deepEqual(told, ['joined r bob', 'end closed']);
});

test('joining, talking and parting given at once take effect in that order, whatever is refused for now', async (t) => {
  const { client, line, timers } = await chatting(t);
  const all = [
    client.join('r'),
    client.send('r', '1'),
    client.send('r', '2'),
    client.part('r'),
    client.list(),
  ] as const;
  const joining = await line.next('join');
  line.send({ type: 'notification', code: 'list', list: [], ref: (await line.next('list')).ref });
  await all[4];
  const refused = until(client, 'frame');
  line.send({ type: 'error', code: 'rate-limited', details: { retry_after: 1 }, ref: joining.ref });
  await refused;
  timers.advance(1_000);
  line.send(joined('r', (await line.next('join')).ref, status([])));
  for (const id of [1, 2]) {
    const { ref, body } = await line.next('message');
    t.is(body, `${id}`);
    line.send(message('r', id, { ref, body }));
  }
  line.send(parted('r', true, (await line.next('part')).ref));
  await Promise.all(all);
  t.deepEqual(line.unread, []);
});
