import test from 'ava';
import { message, openRoomWorld } from '../../test/support/room-world.ts';
import { until } from '../../test/support/services.ts';
import type { Receiver } from './live-room.ts';
import type { EncodedFrame } from './transport.ts';

type Seen = Receiver & { readonly parted: string[] };

function receiver(userId: number): Seen {
  const parted: string[] = [];
  const push = (frames: readonly EncodedFrame[]): void => {
    for (const { bytes } of frames) {
      const { code, user } = JSON.parse(bytes.toString()) as { code: string; user: string };
      if (code === 'parted') parted.push(user);
    }
  };
  return {
    userId,
    username: `here-${userId}`,
    key: `k${userId}`,
    claim: 1,
    parted,
    push,
    flush() {},
    onDisbanded() {},
  };
}

test('many members of a dead node part one after the other, so that nothing else waits for all of them', async (t) => {
  const { hub } = openRoomWorld([]);
  const room = await hub.open(1);
  if (room === undefined) throw new Error('There is no room.');
  const here = Array.from({ length: 500 }, (_, n) => receiver(n + 1));
  for (const one of here) room.add(one);
  const far = Array.from({ length: 300 }, (_, n) => {
    return { userId: 1_000 + n, username: `far-${n}`, session: `f${n}`, claim: 1 };
  });
  room.receive('far', { kind: 'roster', at: 0, n: 0, members: far });
  t.is(room.roster.size, 800);
  room.nodeGone('far', 0);
  t.true(room.roster.has('far'));
  // One of those that are still there has come to another node meanwhile.
  const last = { ...far[299], session: 'next', claim: 2, userId: 1_299, username: 'far-299' };
  room.receive('other', { kind: 'joined', at: 0, member: last });
  await until(10_000, async () => {
    if (room.roster.has('far')) throw new Error('Some are still there.');
  });
  t.is(room.roster.size, 501);
  t.is(room.roster.get(1_299)?.session, 'next');
  room.flush();
  const names = far.map(({ username }) => username).toSorted();
  for (const { parted } of here) t.deepEqual(parted.toSorted(), names);
});

test('a position or a message that is far beyond the log is not waited for', async (t) => {
  const { hub, store } = openRoomWorld([message(1)]);
  const room = await hub.open(1);
  if (room === undefined) throw new Error('There is no room.');
  const id = Number.MAX_SAFE_INTEGER;
  const member = { userId: 7, username: 'far', session: 'f', claim: 1 };
  room.receive('far', { kind: 'joined', at: id, member });
  room.receive('far', { kind: 'messages', messages: [message(id)] });
  t.is(room.gate.backlog, 0);
  store.add(2);
  room.receive('far', { kind: 'messages', messages: [message(2)] });
  t.is(room.gate.position, 2);
});
