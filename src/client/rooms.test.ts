import test from 'ava';
import { chatting, join, reconnect, settled, until } from '../../test/support/scripted-client.ts';
import {
  custom,
  deleted,
  entry,
  historyPage,
  joined,
  type Line,
  message,
  parted,
  status,
} from '../../test/support/scripted-server.ts';
import { ChatError } from './index.ts';

/** The numbers from `from` to `to`, both included. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function messages(room: string, from: number, to: number): string[] {
  return range(from, to).map((id) => `message ${room} ${id}`);
}

/** Answers the `history` requests of a room that has the messages `ids`; counts them. */
function serveHistory(line: Line, room: string, ids: readonly number[], most = 200): { pages: number } {
  const count = { pages: 0 };
  line.answer('history', ({ ref, before = Number.POSITIVE_INFINITY, limit = 50 }) => {
    count.pages += 1;
    const below = ids.filter((id) => id < before);
    const size = Math.min(limit, most);
    line.send(historyPage(room, ref, below.slice(-size), below.length > size));
  });
  return count;
}

test('join resolves with the status and its messages are not told again', async (t) => {
  const { client, line, told } = await chatting(t);
  const done = client.join('r');
  const { ref, since, epoch } = await line.next('join');
  t.is(since, undefined);
  t.is(epoch, undefined);
  const state = status([1, 2, 3]);
  line.send(joined('r', ref, state));
  line.send(message('r', 4));
  t.deepEqual(await done, state);
  await settled(client, line);
  t.deepEqual([...client.rooms], ['r']);
  t.deepEqual(told, ['joined r bob', 'message r 4']);
});

test('every room message becomes its event, with its fields', async (t) => {
  const { client, line } = await chatting(t);
  await join(client, line, 'r');
  const events: unknown[] = [];
  client.on('message', (event) => events.push(event));
  client.on('custom', (event) => events.push(event));
  client.on('parted', (event) => events.push(event));
  client.on('deleted', (event) => events.push(event));
  line.send(message('r', 1));
  line.send(custom('r', 'stock', 'aapl.us'));
  line.send(parted('r', false));
  line.send(deleted('r', 1));
  await settled(client, line);
  const about = { room: 'r', user: 'ann', you: false, stamp: '2020-09-26 12:12:13' };
  t.deepEqual(events, [
    { ...about, id: 1, body: 'message 1' },
    { ...about, command: 'stock', payload: 'aapl.us' },
    about,
    { room: 'r', id: 1 },
  ]);
});

test('after a cut each room is joined from where it was, and what was missed is told once, oldest first', async (t) => {
  const scene = await chatting(t);
  const { client, told } = scene;
  await join(client, scene.line, 'a', 3);
  await join(client, scene.line, 'b');
  scene.line.send(message('a', 4));
  await settled(client, scene.line);
  told.length = 0;

  const line = await reconnect(scene, scene.line);
  const first = await line.next('join');
  t.like(first, { room_name: 'a', since: 4, epoch: 'e1' });
  const second = await line.next('join');
  t.like(second, { room_name: 'b', since: 0, epoch: 'e1' });
  line.send(joined('b', second.ref, status([1])));
  line.send(joined('a', first.ref, status([5, 6])));
  line.send(message('a', 7));
  line.send(message('b', 2));
  await settled(client, line);
  t.deepEqual(told, [
    'rejoined b',
    'message b 1',
    'rejoined a',
    'message a 5',
    'message a 6',
    'message a 7',
    'message b 2',
  ]);
});

test('a rejoin that is cut is begun again, as often as it takes', async (t) => {
  const scene = await chatting(t);
  await join(scene.client, scene.line, 'r', 5);
  let line = scene.line;
  for (let times = 0; times < 3; times += 1) {
    line = await reconnect(scene, line);
    t.like(await line.next('join'), { since: 5, epoch: 'e1' });
  }
  line = await reconnect(scene, line);
  const { ref } = await line.next('join');
  line.send(joined('r', ref, status([6])));
  await settled(scene.client, line);
  t.deepEqual(scene.told, ['joined r bob', 'rejoined r', 'message r 6']);
});

test('a message that was seen before the cut is not told again, whatever the status holds', async (t) => {
  const scene = await chatting(t);
  await join(scene.client, scene.line, 'r');
  scene.line.send(message('r', 1));
  await settled(scene.client, scene.line);
  const line = await reconnect(scene, scene.line);
  const { ref } = await line.next('join');
  line.send(joined('r', ref, status([1, 2])));
  line.send(message('r', 2));
  line.send(message('r', 3));
  await settled(scene.client, line);
  t.deepEqual(scene.told, ['joined r bob', 'message r 1', 'rejoined r', 'message r 2', 'message r 3']);
});

test('what a truncated status leaves out is read from the history while live events wait', async (t) => {
  const scene = await chatting(t);
  const { client, told } = scene;
  await join(client, scene.line, 'r', 10);
  const line = await reconnect(scene, scene.line);
  const { ref } = await line.next('join');
  const caughtUp = until(client, 'parted');
  line.send(joined('r', ref, status(range(601, 1_100), { truncated: true })));
  line.send(message('r', 1_101));
  line.send(custom('r', 'stock', 'x'));
  line.send(parted('r', false));
  serveHistory(line, 'r', range(1, 1_101));
  await caughtUp;
  line.send(message('r', 1_102));
  await settled(client, line);
  t.deepEqual(told, [
    'joined r bob',
    'rejoined r',
    ...messages('r', 11, 1_101),
    'custom r stock=x',
    'parted r ann',
    'message r 1102',
  ]);
});

test('a deletion is told after its message, also while missed ones are read, and before what came later', async (t) => {
  const scene = await chatting(t);
  const { client, told } = scene;
  await join(client, scene.line, 'r', 10);
  const line = await reconnect(scene, scene.line);
  const { ref } = await line.next('join');
  const caughtUp = until(client, 'parted');
  line.send(joined('r', ref, status(range(601, 1_100), { truncated: true })));
  line.send(deleted('r', 1_100));
  line.send(message('r', 1_101));
  line.send(deleted('r', 1_101));
  line.send(parted('r', false));
  serveHistory(line, 'r', range(1, 1_101));
  await caughtUp;
  line.send(message('r', 1_102));
  line.send(deleted('r', 1_102));
  await settled(client, line);
  t.deepEqual(told.slice(1), [
    'rejoined r',
    ...messages('r', 11, 1_100),
    'deleted r 1100',
    'message r 1101',
    'deleted r 1101',
    'parted r ann',
    'message r 1102',
    'deleted r 1102',
  ]);
});

test('holes in the history are no gaps, and wide ones are crossed in few pages', async (t) => {
  const scene = await chatting(t);
  const { client, told } = scene;
  await join(client, scene.line, 'r', 5);
  const line = await reconnect(scene, scene.line);
  const { ref } = await line.next('join');
  const stored = [...range(1, 7), 40, 99_000, ...range(99_400, 100_500)];
  const count = serveHistory(line, 'r', stored);
  const caughtUp = until(client, 'message', ({ id }) => id === 100_500);
  line.send(joined('r', ref, status(range(100_001, 100_500), { truncated: true })));
  await caughtUp;
  t.deepEqual(
    told.slice(2),
    stored.filter((id) => id > 5).map((id) => `message r ${id}`),
  );
  t.true(count.pages < 40, `${count.pages} pages`);
});

test('pages that the server cuts short by size still leave nothing out', async (t) => {
  const scene = await chatting(t);
  const { client, told } = scene;
  await join(client, scene.line, 'r', 1);
  const line = await reconnect(scene, scene.line);
  const { ref } = await line.next('join');
  serveHistory(line, 'r', range(1, 320), 7);
  const caughtUp = until(client, 'message', ({ id }) => id === 320);
  line.send(joined('r', ref, status(range(302, 320), { truncated: true })));
  await caughtUp;
  t.deepEqual(told, ['joined r bob', 'rejoined r', ...messages('r', 2, 320)]);
});

test('a cut while the history is read keeps what was told and goes on from there', async (t) => {
  const scene = await chatting(t);
  const { client, told } = scene;
  await join(client, scene.line, 'r', 10);
  let line = await reconnect(scene, scene.line);
  const first = await line.next('join');
  line.send(joined('r', first.ref, status(range(501, 1_000), { truncated: true })));
  line.send(message('r', 1_001));
  line.send(custom('r', 'stock', 'x'));
  const page = await line.next('history');
  line.send(historyPage('r', page.ref, range(11, 210), true));
  await line.next('history');
  line = await reconnect(scene, line);
  t.is(told.at(-1), 'custom r stock=x');
  const second = await line.next('join');
  t.is(second.since, 210);
  serveHistory(line, 'r', range(1, 1_001));
  const caughtUp = until(client, 'message', ({ id }) => id === 1_001);
  line.send(joined('r', second.ref, status(range(502, 1_001), { truncated: true })));
  await caughtUp;
  t.deepEqual(
    told.filter((line) => line.startsWith('message')),
    messages('r', 11, 1_001),
  );
});

test('a flood while the history is read is held in bounds, and every message is told', async (t) => {
  const scene = await chatting(t);
  const { client, told } = scene;
  await join(client, scene.line, 'r', 1);
  const line = await reconnect(scene, scene.line);
  const { ref } = await line.next('join');
  line.send(joined('r', ref, status(range(302, 801), { truncated: true })));
  for (const id of range(802, 4_000)) line.send(message('r', id));
  await until(client, 'frame', (frame) => frame.code === 'message' && frame.id === 4_000);
  const caughtUp = until(client, 'message', ({ id }) => id === 4_000);
  const page = await line.next('history');
  serveHistory(line, 'r', range(1, 4_000));
  line.send(historyPage('r', page.ref, range(2, 201), true));
  await caughtUp;
  t.deepEqual(told, ['joined r bob', 'rejoined r', ...messages('r', 2, 4_000)]);
});

const strangers = [
  ['of another epoch', status([1, 2, 3, 60], { epoch: 'e2', truncated: true })],
  ['that is behind what was seen', status([1, 2, 3], { truncated: true })],
] as const;
for (const [which, state] of strangers) {
  test(`a log ${which} is told as a gap, and goes on from its end`, async (t) => {
    const scene = await chatting(t);
    await join(scene.client, scene.line, 'r', 50);
    const line = await reconnect(scene, scene.line);
    const { ref } = await line.next('join');
    const rejoined = until(scene.client, 'rejoined');
    line.send(joined('r', ref, state));
    line.send(message('r', state.last_id + 1));
    t.deepEqual(await rejoined, { room: 'r', status: state, gap: true });
    await settled(scene.client, line);
    t.deepEqual(scene.told, ['joined r bob', 'rejoined r with a gap', `message r ${state.last_id + 1}`]);
    const next = await reconnect(scene, line);
    t.like(await next.next('join'), { since: state.last_id + 1, epoch: state.epoch });
  });
}

test('a room that is gone after a cut is left, and its waiting requests are refused', async (t) => {
  const scene = await chatting(t);
  const { client, line: first } = scene;
  await join(client, first, 'r');
  const sent = t.throwsAsync(client.send('r', 'hello'), { instanceOf: ChatError });
  await first.next('message');
  const line = await reconnect(scene, first);
  const { ref } = await line.next('join');
  line.send({ type: 'error', code: 'room:invalid', details: { name: 'r' }, ref });
  const again = await line.next('message');
  line.send({ type: 'error', code: 'room:not-joined', details: { name: 'r' }, ref: again.ref });
  t.is((await sent)?.code, 'room:not-joined');
  t.deepEqual(scene.told, ['joined r bob', 'left r room:invalid']);
  t.is(client.rooms.size, 0);
  await reconnect(scene, line);
});

test('a room that was parted is not joined again', async (t) => {
  const scene = await chatting(t);
  const { client, line: first } = scene;
  await join(client, first, 'a');
  await join(client, first, 'b');
  const done = client.part('a');
  const { ref } = await first.next('part');
  first.send(parted('a', true, ref));
  first.send(parted('b', true));
  await done;
  await settled(client, first);
  t.is(client.rooms.size, 0);
  const line = await reconnect(scene, first);
  await settled(client, line);
});

test('a room deleted while its history is read is left in order', async (t) => {
  const scene = await chatting(t);
  await join(scene.client, scene.line, 'r', 1);
  const line = await reconnect(scene, scene.line);
  const { ref } = await line.next('join');
  line.send(joined('r', ref, status(range(302, 303), { truncated: true })));
  const page = await line.next('history');
  line.send(parted('r', true));
  line.send({ type: 'error', code: 'room:not-joined', details: { name: 'r' }, ref: page.ref });
  await settled(scene.client, line);
  t.deepEqual(scene.told, ['joined r bob', 'rejoined r', 'message r 302', 'message r 303', 'parted r bob']);
  t.is(scene.client.state, 'open');
});

test('a part that waits for the history leaves after the missed messages', async (t) => {
  const scene = await chatting(t);
  const { client } = scene;
  await join(client, scene.line, 'r', 1);
  const line = await reconnect(scene, scene.line);
  const { ref } = await line.next('join');
  line.send(joined('r', ref, status([60], { truncated: true })));
  const page = await line.next('history');
  const done = client.part('r');
  await settled(client, line);
  line.send(historyPage('r', page.ref, range(2, 59), true));
  const part = await line.next('part');
  line.send(parted('r', true, part.ref));
  await done;
  t.deepEqual(scene.told, ['joined r bob', 'rejoined r', ...messages('r', 2, 60), 'parted r bob']);
});

test('a join that was cut before its answer is asked again', async (t) => {
  const scene = await chatting(t);
  const done = scene.client.join('r');
  await scene.line.next('join');
  const line = await reconnect(scene, scene.line);
  const { ref, since } = await line.next('join');
  t.is(since, undefined);
  line.send(joined('r', ref, { ...status([]), messages: [entry(9)], last_id: 9 }));
  t.is((await done).last_id, 9);
  t.deepEqual(scene.told, ['joined r bob']);
});

test('a server that never answers a rejoin is left for a new session', async (t) => {
  const scene = await chatting(t);
  await join(scene.client, scene.line, 'r');
  const line = await reconnect(scene, scene.line);
  await line.next('join');
  const waiting = until(scene.client, 'state', ({ state }) => state === 'waiting');
  for (let seconds = 0; seconds < 120; seconds += 10) {
    // Something arrives, so that the line does not count as silent.
    const heard = until(scene.client, 'frame');
    line.send({ type: 'notification', code: 'help', help: 'help' });
    await heard;
    scene.timers.advance(10_000);
  }
  await waiting;
  t.is(scene.client.state, 'waiting');
});
