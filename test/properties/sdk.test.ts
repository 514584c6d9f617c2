import test from 'ava';
import fc from 'fast-check';
import { type ChatMessage, createClient } from '../../src/client/index.ts';
import { ModelServer, type Whim } from '../support/model-server.ts';

const whims: readonly Whim[] = ['serve', 'cut before', 'cut after', 'cut later', 'limit', 'unavailable', 'crowd'];

const schedule = fc.record({
  whims: fc.array(fc.constantFrom(...whims), { maxLength: 40 }),
  sinceMessages: fc.integer({ min: 1, max: 20 }),
  pageMessages: fc.integer({ min: 1, max: 20 }),
  chance: fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
  /** What happens between the client's own messages: it says something (and where), others do, or the line is cut. */
  steps: fc.array(
    fc.record({ room: fc.constantFrom('a', 'b'), act: fc.constantFrom('send', 'send', 'say', 'say many', 'cut') }),
    { minLength: 1, maxLength: 25 },
  ),
});

type Schedule = typeof schedule extends fc.Arbitrary<infer Value> ? Value : never;

async function run({ whims, sinceMessages, pageMessages, chance, steps }: Schedule): Promise<void> {
  const rooms = ['a', 'b'];
  const server = new ModelServer({ rooms, whims, sinceMessages, pageMessages });
  const seen = new Map<string, ChatMessage[]>(rooms.map((room) => [room, []]));
  const client = createClient({
    url: 'http://model.example',
    WebSocket: server.WebSocket,
    random: () => chance.next().value,
    // Waits of any length pass in a turn of the event loop; the deadlines of requests never pass.
    timers: {
      setTimeout: (callback, ms) => (ms >= 20_000 ? undefined : setTimeout(callback, 0)),
      clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined),
    },
    onListenerError: (error) => {
      throw error;
    },
  });
  client.on('message', (message) => seen.get(message.room)?.push(message));
  await client.connect();
  const starts = new Map<string, number>();
  for (const room of rooms) starts.set(room, (await client.join(room)).last_id);

  const sent: Promise<{ room: string; id: number; body: string }>[] = [];
  for (const [index, { room, act }] of steps.entries()) {
    const body = `own ${index}`;
    if (act === 'send') sent.push(client.send(room, body).then(({ id }) => ({ room, id, body })));
    else if (act === 'cut') server.cut();
    else for (let times = 0; times < (act === 'say' ? 1 : 30); times += 1) server.say(room, `other ${index}`);
    if (index % 3 === 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }
  const stored = await Promise.all(sent);
  // A last message in each room brings a client back that was cut off and has nothing to do.
  for (const room of rooms) await client.send(room, 'last');
  for (const room of rooms) {
    await reaches(() => seen.get(room)?.at(-1)?.id === server.logs.get(room)?.at(-1)?.id);
  }
  await client.close();

  for (const [room, log] of server.logs) {
    const wanted = log.slice(starts.get(room)).map(({ id, body, user, you }) => `${id} ${user} ${you} ${body}`);
    const got = seen.get(room)?.map(({ id, body, user, you }) => `${id} ${user} ${you} ${body}`);
    if (JSON.stringify(got) !== JSON.stringify(wanted)) {
      throw new Error(`room ${room}: told ${JSON.stringify(got)}, the log has ${JSON.stringify(wanted)}`);
    }
  }
  for (const { room, id, body } of stored) {
    const ids = server.logs
      .get(room)
      ?.filter((entry) => entry.body === body)
      .map((entry) => entry.id);
    if (JSON.stringify(ids) !== JSON.stringify([id]))
      throw new Error(`${body} resolved with ${id}, stored as ${ids?.join()}`);
  }
}

/** Waits, turn by turn, until `isSo` holds; fails after a deadline. */
async function reaches(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('the last message was never told');
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

test('whatever is cut, refused, truncated or repeated, each message is told once and in order, and stored once', async (t) => {
  await t.notThrowsAsync(() =>
    fc.assert(fc.asyncProperty(schedule, run), { numRuns: 300, interruptAfterTimeLimit: 30_000 }),
  );
});
