import test from 'ava';
import fc from 'fast-check';
import { type ChatMessage, type Client, createClient } from '../../src/client/index.ts';
import { createManualTimers, type ManualTimers } from '../support/manual-timers.ts';
import { ModelServer, type Whim } from '../support/model-server.ts';

const whims: readonly Whim[] = [
  'serve',
  'cut before',
  'cut after',
  'cut later',
  'cut and block',
  'limit',
  'unavailable',
  'crowd',
];

/** Time goes by turns of the event loop, so that a seed always plays the same and a busy machine changes nothing. */
const turnMs = 100;
/** Far more turns than the longest schedule takes; one that takes more does not end. */
const turnsMax = 50_000;

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

type Seen = ReadonlyMap<string, ChatMessage[]>;
type Stored = { room: string; id: number; body: string };

async function run({ whims, sinceMessages, pageMessages, chance, steps }: Schedule): Promise<void> {
  const rooms = ['a', 'b'];
  const server = new ModelServer({ rooms, whims, sinceMessages, pageMessages });
  const timers = createManualTimers();
  const client = createClient({
    url: 'http://model.example',
    transport: 'websocket',
    WebSocket: server.WebSocket,
    random: () => chance.next().value,
    timers: {
      // Deadlines never pass: the whims may ask for more waits in a row than a request has time for.
      setTimeout: (callback, ms) => (ms >= 20_000 ? undefined : timers.setTimeout(callback, ms)),
      clearTimeout: (handle) => timers.clearTimeout(handle),
    },
    now: () => timers.now(),
    onListenerError: (error) => {
      throw error;
    },
  });
  const seen: Seen = new Map(rooms.map((room) => [room, []]));
  client.on('message', (message) => seen.get(message.room)?.push(message));
  await withinTurns(timers, async () => {
    await client.connect();
    const starts = new Map<string, number>();
    for (const room of rooms) starts.set(room, (await client.join(room)).last_id);
    const stored = await play(client, server, steps);
    // A last message in each room brings a client back that was cut off and has nothing to do.
    for (const room of rooms) await client.send(room, 'last');
    for (const room of rooms) {
      for (let turns = 0; seen.get(room)?.at(-1)?.id !== server.logs.get(room)?.at(-1)?.id; turns += 1) {
        if (turns > turnsMax) throw new Error(`the end of room ${room} was never told`);
        await turn();
      }
    }
    await client.close();
    assertToldOnce(server, seen, starts);
    assertStoredOnce(server, stored);
  });
}

/** Plays the steps; resolves with what the client was told of its own messages. */
async function play(client: Client, server: ModelServer, steps: Schedule['steps']): Promise<Stored[]> {
  const sent: Promise<Stored>[] = [];
  for (const [index, { room, act }] of steps.entries()) {
    const body = `own ${index}`;
    if (act === 'send') sent.push(client.send(room, body).then(({ id }) => ({ room, id, body })));
    else if (act === 'cut') server.cut();
    else for (let times = 0; times < (act === 'say' ? 1 : 30); times += 1) server.say(room, `other ${index}`);
    if (index % 3 === 0) await turn();
  }
  return Promise.all(sent);
}

function assertToldOnce(server: ModelServer, seen: Seen, starts: ReadonlyMap<string, number>): void {
  const show = ({ id, body, user, you }: Omit<ChatMessage, 'room'>): string => `${id} ${user} ${you} ${body}`;
  for (const [room, log] of server.logs) {
    const wanted = JSON.stringify(log.slice(starts.get(room)).map(show));
    const got = JSON.stringify(seen.get(room)?.map(show));
    if (got !== wanted) throw new Error(`room ${room}: told ${got}, the log has ${wanted}`);
  }
}

function assertStoredOnce(server: ModelServer, stored: readonly Stored[]): void {
  for (const { room, id, body } of stored) {
    const entries = server.logs.get(room)?.filter((entry) => entry.body === body) ?? [];
    const ids = entries.map((entry) => entry.id).join();
    if (ids !== String(id)) throw new Error(`${body} resolved with ${id}, stored as ${ids}`);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Does the work while time goes on; rejects when it does not end. */
async function withinTurns(timers: ManualTimers, work: () => Promise<void>): Promise<void> {
  const done = work().then(() => true);
  // Work that is given up may fail later, when nobody waits for it.
  done.catch(() => {});
  for (let turns = 0; turns < turnsMax; turns += 1) {
    if ((await Promise.race([done, turn()])) === true) return;
    timers.advance(turnMs);
  }
  throw new Error(`no end within ${turnsMax} turns`);
}

test('whatever is cut, refused, truncated or repeated, each message is told once and in order, and stored once', async (t) => {
  await t.notThrowsAsync(() =>
    fc.assert(fc.asyncProperty(schedule, run), { numRuns: 500, includeErrorInReport: true }),
  );
});
