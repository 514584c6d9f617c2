import test from 'ava';
import fc from 'fast-check';
import {
  type ChatMessage,
  type Client,
  ConnectionError,
  connectionTimes,
  createClient,
} from '../../src/client/index.ts';
import { createManualTimers, type ManualTimers } from '../support/manual-timers.ts';
import { createModelFetch, createModelSocket, type Gate } from '../support/model-lines.ts';
import { ModelServer, type Whim } from '../support/model-server.ts';

const whims: readonly Whim[] = [
  'serve',
  'cut before',
  'cut after',
  'cut later',
  'cut and end',
  'cut and block',
  'limit',
  'unavailable',
  'crowd',
];

/** Time goes by turns of the event loop, so that a seed always plays the same and a busy machine changes nothing. */
const turnMs = 100;
/** Far more turns than the longest schedule takes; one that takes more does not end. */
const turnsMax = 50_000;

const acts = ['send', 'send', 'command', 'say', 'say many', 'cut', 'wait', 'hand over'] as const;

/** Which attempts get through; those that do not are refused, or never answered. */
const gates = fc.array(fc.constantFrom<Gate>('open', 'slow', 'slow', 'refuse', 'swallow'), { maxLength: 12 });

const schedule = fc.record({
  transport: fc.constantFrom('auto', 'auto', 'websocket', 'sse', 'poll'),
  resumes: fc.boolean(),
  sockets: gates,
  streams: gates,
  whims: fc.array(fc.constantFrom(...whims), { maxLength: 40 }),
  sinceMessages: fc.integer({ min: 1, max: 20 }),
  pageMessages: fc.integer({ min: 1, max: 20 }),
  chance: fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
  /** What happens between the client's own messages: it says something (and where), others do, or the line is cut. */
  steps: fc.array(fc.record({ room: fc.constantFrom('a', 'b'), act: fc.constantFrom(...acts) }), {
    minLength: 1,
    maxLength: 25,
  }),
});

type Schedule = typeof schedule extends fc.Arbitrary<infer Value> ? Value : never;

type Seen = ReadonlyMap<string, ChatMessage[]>;
type Stored = { room: string; id: number; body: string };
type Command = { payload: string; outcome: 'relayed' | 'lost' | 'refused' };

/** Time that the test moves; a deadline never passes, and what is better is tried soon. */
function hasty(timers: ManualTimers): ManualTimers {
  return {
    ...timers,
    setTimeout: (callback, ms) => {
      const isClimb = ms > connectionTimes.silenceMs && ms <= connectionTimes.climbMs;
      // The whims may ask for more waits in a row than a request has time for.
      if (ms > connectionTimes.openMs && !isClimb) return undefined;
      return timers.setTimeout(callback, isClimb ? 2_000 : ms);
    },
  };
}

type Play = { client: Client; stored: Promise<Stored>[]; commands: Promise<Command>[] };

async function run(plan: Schedule): Promise<void> {
  const rooms = ['a', 'b'];
  // The older servers know neither sessions nor anything but WebSockets.
  const transport = plan.resumes ? plan.transport : 'websocket';
  const server = new ModelServer({ ...plan, rooms });
  const timers = createManualTimers();
  const seen: Seen = new Map(rooms.map((room) => [room, []]));
  const told: string[] = [];
  let clients = 0;
  const create = (): Client => {
    clients += 1;
    // Chance that runs into zeros would give all clients the same refs.
    const first = [clients / 1_000, 0, 0];
    const random = (): number => first.shift() ?? plan.chance.next().value;
    const client = createClient({
      url: 'http://model.example',
      transport,
      WebSocket: createModelSocket(server, [...plan.sockets]),
      fetch: createModelFetch(server, [...plan.streams]),
      random,
      timers: hasty(timers),
      now: () => timers.now(),
      onListenerError: (error) => {
        throw error;
      },
    });
    client.on('message', (message) => seen.get(message.room)?.push(message));
    client.on('custom', ({ payload }) => told.push(payload));
    return client;
  };
  const play: Play = { client: create(), stored: [], commands: [] };
  await withinTurns(timers, async () => {
    await play.client.connect();
    const starts = new Map<string, number>();
    for (const room of rooms) starts.set(room, (await play.client.join(room)).last_id);
    for (const [index, step] of plan.steps.entries()) {
      await act(play, server, step, index, create);
      if (index % 3 === 0) await turn();
    }
    const stored = await Promise.all(play.stored);
    const commands = await Promise.all(play.commands);
    // A last message in each room brings a client back that was cut off and has nothing to do.
    for (const room of rooms) await play.client.send(room, 'last');
    for (const room of rooms) {
      for (let turns = 0; seen.get(room)?.at(-1)?.id !== server.logs.get(room)?.at(-1)?.id; turns += 1) {
        if (turns > turnsMax) throw new Error(`the end of room ${room} was never told`);
        await turn();
      }
    }
    await play.client.close();
    assertToldOnce(server, seen, starts);
    assertStoredOnce(server, stored);
    assertRelayedOnce(server, commands, told);
  });
}

async function act(
  play: Play,
  server: ModelServer,
  { room, act }: Schedule['steps'][number],
  index: number,
  create: () => Client,
): Promise<void> {
  const body = `own ${index}`;
  if (act === 'send') play.stored.push(play.client.send(room, body).then(({ id }) => ({ room, id, body })));
  else if (act === 'command') play.commands.push(command(play.client, room, body));
  else if (act === 'cut') server.cut();
  else if (act === 'wait') await listenIn(server, room, index);
  else if (act === 'hand over') await handOver(play, create);
  else for (let times = 0; times < (act === 'say' ? 1 : 30); times += 1) server.say(room, `other ${index}`);
}

/** Lets time pass in which others talk and command all the while. */
async function listenIn(server: ModelServer, room: string, index: number): Promise<void> {
  for (let turns = 0; turns < 40; turns += 1) {
    if (turns % 3 === 0) server.say(room, `meanwhile ${index}`);
    if (turns % 3 === 1) server.sayCommand(room, `theirs ${index}-${turns}`);
    await turn();
  }
}

/** Resolves with what became of a command. */
async function command(client: Client, room: string, payload: string): Promise<Command> {
  try {
    await client.command(room, 'note', payload);
    return { payload, outcome: 'relayed' };
  } catch (error) {
    if (error instanceof ConnectionError && error.reason === 'lost') return { payload, outcome: 'lost' };
    // Refused by a whim.
    if (error instanceof Error && /could not do this now/.test(error.message)) return { payload, outcome: 'refused' };
    throw error;
  }
}

/** Another client goes on from where this one is, once it has nothing under way. */
async function handOver(play: Play, create: () => Client): Promise<void> {
  await Promise.all([...play.stored, ...play.commands]);
  const resume = await play.client.suspend();
  play.client = create();
  await play.client.connect(resume === undefined ? {} : { resume: JSON.parse(JSON.stringify(resume)) });
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

/** Nobody knows of a lost one; all others are known to be relayed once, or not at all. */
function assertRelayedOnce(server: ModelServer, commands: readonly Command[], told: readonly string[]): void {
  const count = (list: readonly string[], payload: string): number => list.filter((entry) => entry === payload).length;
  const twice = told.filter((payload, index) => told.indexOf(payload) !== index);
  if (twice.length > 0) throw new Error(`told twice: ${twice.join()}`);
  for (const { payload, outcome } of commands) {
    const times = [count(server.commands, payload), count(told, payload)];
    const wanted = { relayed: ['1,1'], refused: ['0,0'], lost: ['0,0', '1,0'] }[outcome];
    if (!wanted.includes(times.join())) throw new Error(`${payload} was ${outcome}: relayed and told ${times.join()}`);
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

test('whatever is cut, refused, truncated or repeated, over whatever transport and in however many processes, each message is told once and in order, and stored once', async (t) => {
  await t.notThrowsAsync(() =>
    fc.assert(fc.asyncProperty(schedule, run), { numRuns: 500, includeErrorInReport: true }),
  );
});
