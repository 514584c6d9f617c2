/** The answers to a session's client messages come in the order of the messages, refusals too, however long one takes. */
import test from 'ava';
import { silentStore, startApp } from '../support/app.ts';
import { eachTransport } from '../support/transports.ts';

const inRoom = { type: 'message', room_name: 'friends' };
const batch = [
  { ...inRoom, body: 'stored', ref: 'stored' },
  { type: 'no such type', ref: 'type' },
  { type: 'join', room_name: 7, ref: 'form' },
  { ...inRoom, body: ' ', ref: 'empty' },
  { ...inRoom, body: 'x'.repeat(5000), ref: 'long' },
  { ...inRoom, room_name: 'nowhere', body: 'x', ref: 'nowhere' },
  { ...inRoom, body: 'again', ref: 'again' },
  { ...inRoom, command: ' ', payload: 'x', ref: 'command' },
  { type: 'list', ref: 'list' },
];

eachTransport(
  test,
  'a refusal comes after the echo of the message before, though the store is slow',
  async (t, transport) => {
    const { wrapStorage, stored, answer } = silentStore();
    const server = await startApp(t, { transport, overrides: { wrapStorage } });
    const alice = await server.chat('alice');
    await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    for (const message of batch) alice.send(message);
    await stored;
    await alice.delivered();
    answer();
    await alice.next({ ref: 'list' });
    t.deepEqual(
      alice.frames.flatMap(({ ref }) => ref ?? []),
      batch.map(({ ref }) => ref),
    );
  },
);

eachTransport(test, 'a refusal comes after the join before it', async (t, transport) => {
  const server = await startApp(t, { transport });
  const alice = await server.chat('alice');
  const messages = [{ type: 'join', room_name: 'friends', ref: 'join' }, ...batch];
  for (const message of messages) alice.send(message);
  await alice.next({ ref: 'list' });
  t.deepEqual(
    alice.frames.flatMap(({ ref }) => ref ?? []),
    messages.map(({ ref }) => ref),
  );
});
