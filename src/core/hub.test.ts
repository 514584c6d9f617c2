import test from 'ava';
import { systemClock } from './clock.ts';
import { Hub } from './hub.ts';
import type { MessageStore, StoredMessage } from './ports.ts';
import { RoomDirectory } from './rooms.ts';
import { createTurn } from './turn.ts';

function message(id: number): StoredMessage {
  return { id, userId: 1, username: 'u', body: `m${id}`, createdAt: 0 };
}

/** A hub over one room whose log has so many messages; snapshots are answered when the test says so. */
function hubOver(log: StoredMessage[]) {
  const answers: (() => void)[] = [];
  const said: string[] = [];
  const store: Pick<MessageStore, 'snapshot' | 'range' | 'lastIds'> = {
    snapshot: (_roomId, limit) => {
      const taken = { lastId: log.length, messages: log.slice(-limit).toReversed() };
      return new Promise((resolve) => {
        answers.push(() => resolve(taken));
      });
    },
    range: (_roomId, from, to) => Promise.resolve(log.slice(from - 1, to)),
    lastIds: (ids) => Promise.resolve(new Map(ids.map((id) => [id, log.length]))),
  };
  const directory = new RoomDirectory(() => Promise.resolve());
  directory.put({ id: 1, name: 'room', topic: '', epoch: 'e' });
  const hub = new Hub({
    clock: systemClock,
    turn: createTurn(systemClock),
    store: store as MessageStore,
    directory,
    onDelivered: () => {},
    log: { warn: (_details, sentence) => void said.push(sentence) },
  });
  return { hub, directory, answers, said };
}

const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('a message stored while its room is loaded is caught up with', async (t) => {
  const log = [message(1)];
  const { hub, answers } = hubOver(log);
  const opening = hub.open(1);
  log.push(message(2));
  hub.offer(1, message(2), undefined);
  answers[0]?.();
  const room = await opening;
  await turns(3);
  t.is(room?.gate.position, 2);
  t.deepEqual(
    room?.recent.map(({ id }) => id),
    [1, 2],
  );
});

test('calls at the same time load a room once', async (t) => {
  const { hub, answers } = hubOver([]);
  const both = Promise.all([hub.open(1), hub.open(1)]);
  t.is(answers.length, 1);
  answers[0]?.();
  const [first, second] = await both;
  t.is(first, second);
  t.is(hub.get(1), first);
});

test('a room in doubt is compared with the store, for a while', async (t) => {
  const log = [message(1)];
  const { hub, answers } = hubOver(log);
  const opening = hub.open(1);
  answers[0]?.();
  const room = await opening;
  log.push(message(2));
  await hub.reconcile();
  t.is(room?.gate.position, 1);
  hub.doubt([1]);
  await hub.reconcile();
  await turns(2);
  t.is(room?.gate.position, 2);
  // A commit that turns up only later is found as well.
  log.push(message(3));
  await hub.reconcile();
  await turns(2);
  t.is(room?.gate.position, 3);
});

test('a room that was told of more messages than there are shows those that come, and the log says so', async (t) => {
  const log = [message(1)];
  const { hub, answers, said } = hubOver(log);
  const opening = hub.open(1);
  answers[0]?.();
  const room = await opening;
  const part = { kind: 'parted', at: 1_000, userId: 9, session: 's', claim: 1 } as const;
  room?.receive('forger', part);
  await turns(3);
  t.is(room?.gate.position, 1_000);
  log.push(message(2));
  hub.offer(1, message(2), undefined);
  hub.doubt([1]);
  await hub.reconcile();
  await turns(3);
  log.push(message(3));
  hub.offer(1, message(3), undefined);
  t.deepEqual(
    room?.recent.map(({ id }) => id),
    [1, 2, 3],
  );
  t.is(said.length, 1);
});

test('a room without members is dropped, one that is deleted while it is loaded does not come to life', async (t) => {
  const { hub, directory, answers } = hubOver([]);
  const opening = hub.open(1);
  answers[0]?.();
  const room = await opening;
  if (room === undefined) throw new Error('the room was not loaded');
  hub.release(room);
  t.is(hub.get(1), undefined);
  const again = hub.open(1);
  hub.disband(1);
  directory.remove(1);
  for (let n = 0; n < 5; n += 1) {
    for (const answer of answers) answer();
    await turns(1);
  }
  t.is(await again, undefined);
  t.is(hub.get(1), undefined);
});

test('a room that was being loaded when all were dropped does not come to life for those who waited for it', async (t) => {
  const { hub, answers } = hubOver([message(1)]);
  const opening = hub.open(1);
  hub.dropAll();
  answers[0]?.();
  t.is(await opening, undefined);
  t.is(hub.size, 0);
  // Who comes afterwards has it loaded.
  const again = hub.open(1);
  answers[1]?.();
  t.is((await again)?.gate.position, 1);
});
