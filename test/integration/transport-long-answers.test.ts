/** Long answers asked for faster than they can be read: they wait for each other, and cost nobody the session. */
import test, { type ExecutionContext } from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { startApp } from '../support/app.ts';
import type { RawClientOptions, TransportName } from '../support/raw-client.ts';
import { eachTransport } from '../support/transports.ts';

const rooms = ['friends', 'family', 'investments'];
/** Three bytes for each of these: some twenty such messages are all that an answer holds. */
const longest = '€'.repeat(limits.bodyLength);
const messageCount = 30;
/** Many times what the kernel's buffers take. */
const pageCount = 60;

async function askForMuch(
  t: ExecutionContext,
  options: RawClientOptions & { transport?: TransportName },
): Promise<void> {
  // The smallest outbox: it holds one such answer.
  const server = await startApp(t, { env: { RATE_LIMITS: 'off', SESSION_OUTBOX: '327680' } });
  const writer = await server.chat('writer');
  for (const room of rooms) {
    await writer.ask({ type: 'join', room_name: room }, { code: 'joined' });
    for (let n = 0; n < messageCount; n += 1) writer.send({ type: 'message', room_name: room, body: longest });
    await writer.next({ code: 'message', id: messageCount });
  }
  const reader = await server.chat<TransportName>('reader', options);
  const { session } = reader;
  const refs = Array.from({ length: pageCount }, (_, n) => `page-${n}`);
  // As after a long absence: the rooms are joined at once, and what they did not hold is read.
  for (const room of rooms) reader.send({ type: 'join', room_name: room, since: 0 });
  for (const [n, ref] of refs.entries()) {
    reader.send({ type: 'history', room_name: rooms[n % rooms.length], limit: 200, ref });
  }
  for (const room of rooms) await reader.next({ code: 'joined', room_name: room });
  await reader.next({ ref: refs.at(-1) });
  const answers = reader.frames.filter(({ code }) => code === 'history');
  t.deepEqual(
    answers.map(({ ref }) => ref),
    refs,
  );
  t.true(answers.every(({ messages = [] }) => messages.length > 15));
  t.is(reader.session, session);
}

eachTransport(test, 'a client that asks for more at once than its outbox holds gets all of it', (t, transport) =>
  askForMuch(t, { transport, resume: true }),
);

test('a WebSocket without resume that asks for more at once than may be unwritten gets all of it', (t) =>
  askForMuch(t, {}));
