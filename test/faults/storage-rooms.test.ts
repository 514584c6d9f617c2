/** Rooms under fire, on both databases: many writers of one pair of rooms, and a room deleted while it is written to. */
import test from 'ava';
import { eachDatabase } from '../support/databases.ts';
import { patienceMs, until } from '../support/services.ts';
import { assertPromises, createPlace, openLoad, tally } from './message-load.ts';

eachDatabase(test, 'many writers of one pair of rooms keep its ids dense and in order', async (t, db) => {
  const storages = await Promise.all([1, 2, 3, 4].map(() => db.open()));
  const [reader = await db.open()] = storages;
  const place = await createPlace(reader, { rooms: 2, users: 8 });
  // Every other writer takes the rooms the other way round: a store that locks them as they come deadlocks.
  const loads = storages.map((storage, n) => {
    const roomIds = n % 2 === 0 ? place.roomIds : [...place.roomIds].reverse();
    return openLoad(t, storage, { ...place, roomIds }, { name: `writer ${n}` });
  });
  await Promise.all(loads.map((load) => load.sendMany(500, 20)));
  for (const load of loads) t.is(tally(load).stored, 500);
  await assertPromises(t, reader, loads);
});

eachDatabase(test, 'the same ref sent through several writers at once is stored once', async (t, db) => {
  const storages = await Promise.all([1, 2, 3].map(() => db.open()));
  const [reader = await db.open()] = storages;
  const place = await createPlace(reader, { rooms: 1, users: 1 });
  const loads = storages.map((storage) => openLoad(t, storage, place));
  for (let round = 0; round < 30; round++) {
    const message = { ref: `ref ${round}`, body: `body ${round}` };
    const outcomes = await Promise.all(loads.map((load) => load.send(message)));
    t.deepEqual(outcomes.map((outcome) => outcome.status).sort(), ['repeat', 'repeat', 'stored']);
    const ids = outcomes.map((outcome) => ('id' in outcome ? outcome.id : undefined));
    t.deepEqual(ids, [round + 1, round + 1, round + 1]);
  }
  await assertPromises(t, reader, loads);
});

eachDatabase(test, 'a room deleted under fire takes nothing more, and the others go on', async (t, db) => {
  const storage = await db.open();
  const load = openLoad(t, storage, await createPlace(storage, { rooms: 3, users: 10 }));
  const [doomed = 0, ...others] = load.roomIds;
  const sending = load.sendMany(3000, 30);
  await until(patienceMs, async () => {
    if (load.sent.length < 600) throw new Error('not under fire yet');
  });
  t.true(await storage.rooms.delete(doomed));
  const after = await Promise.all([load.send({ roomId: doomed }), load.send({ roomId: doomed })]);
  t.deepEqual(
    after.map((outcome) => outcome.status),
    ['room-gone', 'room-gone'],
  );
  await sending;
  const ofDoomed = load.sent.filter((entry) => entry.roomId === doomed).map((entry) => entry.outcome.status);
  t.deepEqual([...new Set(ofDoomed)], ['stored', 'room-gone'], 'stored up to a moment, gone from then on');
  t.is(ofDoomed.lastIndexOf('stored') + 1, ofDoomed.indexOf('room-gone'));
  const stored = ofDoomed.filter((status) => status === 'stored').length;
  t.is(await storage.rooms.purge(), stored, 'what was answered stored was stored, nothing else');
  t.is(await storage.messages.snapshot(doomed, 50), undefined);
  t.is(load.sent.filter((entry) => entry.roomId !== doomed && entry.outcome.status !== 'stored').length, 0);
  await assertPromises(t, storage, [load], others);
});
