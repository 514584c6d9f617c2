/**
 * The real server, killed and stopped under load, and started again on the same database. Clients resend what was not
 * settled, with the same refs. Whatever any of them saw is in the log once, under the id under which it was seen.
 */
import test, { type ExecutionContext } from 'ava';
import { eachDatabase, type TestDatabase } from '../support/databases.ts';
import { openRawClient, type RawClient, type RawFrame } from '../support/raw-client.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { until } from '../support/services.ts';

const roomName = 'friends';
const memberCount = 5;
const rounds = 3;
/** Messages of one member under way at once. */
const windowSize = 10;

/** One person: what was sent and not settled outlives each connection. */
type Member = {
  readonly name: string;
  readonly token: string;
  readonly unsettled: Map<string, string>;
  sent: number;
  settled: number;
  isDone: boolean;
};

async function createMember(url: string, name: string): Promise<Member> {
  const body = JSON.stringify({ username: name, password: 'a long enough pass-phrase' });
  const post = async (path: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/json', connection: 'close' };
    const response = await fetch(url + path, { method: 'POST', headers, body });
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  await post('/register');
  const { token } = (await post('/login')) as { token: string };
  return { name, token, unsettled: new Map(), sent: 0, settled: 0, isDone: false };
}

/** Connects, joins, resends what is unsettled, and goes on talking until the member is done. */
async function talk(t: ExecutionContext, url: string, member: Member): Promise<RawClient> {
  const client = await openRawClient(t, url, { token: member.token });
  await client.next({ code: 'api-motd' });
  await client.ask({ type: 'join', room_name: roomName }, { code: 'joined', you: true });
  const say = (ref: string, body: string): void => client.send({ type: 'message', room_name: roomName, body, ref });
  const sayMore = (): void => {
    while (!member.isDone && member.unsettled.size < windowSize) {
      const number = member.sent++;
      const [ref, body] = [`${member.name}-${number}`, `${member.name} says ${number}`];
      member.unsettled.set(ref, body);
      say(ref, body);
    }
  };
  client.socket.on('message', (data: Buffer) => {
    const { code, ref } = JSON.parse(data.toString()) as RawFrame;
    if (code !== 'message' || ref === undefined || !member.unsettled.delete(ref)) return;
    member.settled++;
    sayMore();
  });
  for (const [ref, body] of member.unsettled) say(ref, body);
  sayMore();
  return client;
}

/** The ids of one connection's message events ascend without a gap from the `last_id` of its join. */
function assertNoGap(t: ExecutionContext, client: RawClient): void {
  const joined = client.frames.find((frame) => frame.code === 'joined' && frame.you === true);
  const ids = messageEvents(client).map((frame) => frame.id);
  const first = (joined?.status?.last_id ?? 0) + 1;
  t.deepEqual(
    ids,
    ids.map((_, index) => first + index),
  );
}

/** A repeat is an answer to its sender, no event of the room. */
function messageEvents(client: RawClient): RawFrame[] {
  return client.frames.filter((frame) => frame.code === 'message' && frame['repeat'] !== true);
}

/** Rounds of load, each ended by `stop`, then a last one that settles everything; asserts what must be in the log. */
async function runUnderFire(
  t: ExecutionContext,
  db: TestDatabase,
  stop: (server: ServerProcess, clients: readonly RawClient[]) => Promise<void>,
): Promise<void> {
  // Several processes on a busy machine; every frame is held against the contract, too.
  t.timeout(120_000);
  const env = { DATABASE_URL: db.url };
  let server = await startServerProcess(t, env);
  const { url } = server;
  const names = Array.from({ length: memberCount }, (_, n) => `member-${n}`);
  const members = await Promise.all(names.map((name) => createMember(url, name)));
  const clients: RawClient[] = [];
  const connectAll = async (): Promise<RawClient[]> => {
    const connected = await Promise.all(members.map((member) => talk(t, server.url, member)));
    clients.push(...connected);
    return connected;
  };
  const countSettled = (): number => members.reduce((sum, member) => sum + member.settled, 0);

  for (let round = 0; round < rounds; round++) {
    const connected = await connectAll();
    const goal = countSettled() + 150;
    await until(40_000, async () => {
      if (countSettled() < goal) throw new Error(`only ${countSettled()} of ${goal} messages are settled`);
    });
    await stop(server, connected);
    server = await startServerProcess(t, env);
  }
  for (const member of members) member.isDone = true;
  const last = await connectAll();
  await until(40_000, async () => {
    const left = members.reduce((sum, member) => sum + member.unsettled.size, 0);
    if (left > 0) throw new Error(`${left} messages are not settled`);
  });
  await Promise.all(last.map((client) => client.settle()));
  await assertLog(t, db, members, clients);
}

async function assertLog(
  t: ExecutionContext,
  db: TestDatabase,
  members: readonly Member[],
  clients: readonly RawClient[],
): Promise<void> {
  const storage = await db.open();
  const room = await storage.rooms.findByName(roomName);
  const sent = members.reduce((sum, member) => sum + member.sent, 0);
  const rows = await storage.messages.range(room?.id ?? 0, 1, Number.MAX_SAFE_INTEGER, sent * 2);
  t.deepEqual(
    rows.map((row) => row.id),
    rows.map((_, index) => index + 1),
    'ids are dense',
  );
  t.deepEqual(
    rows.map((row) => row.body).sort(),
    members.flatMap(({ name, sent: count }) => Array.from({ length: count }, (_, n) => `${name} says ${n}`)).sort(),
    'what was sent is stored once',
  );
  let seen = 0;
  for (const client of clients) {
    assertNoGap(t, client);
    for (const { id = 0, user, body } of messageEvents(client)) {
      const row = rows[id - 1];
      t.deepEqual([row?.username, row?.body], [user, body]);
      seen++;
    }
  }
  t.true(seen > 450, `${seen} messages were seen`);
}

eachDatabase(
  test,
  'a server killed under load loses nothing that anyone saw and stores nothing twice',
  async (t, db) => {
    await runUnderFire(t, db, async (server, clients) => {
      t.is(await server.end('SIGKILL'), null);
      await Promise.all(clients.map((client) => client.closed));
    });
  },
);

eachDatabase(test, 'a server told to stop under load announces it, closes with 1012 and ends well', async (t, db) => {
  await runUnderFire(t, db, async (server, clients) => {
    t.is(await server.end('SIGTERM'), 0);
    for (const client of clients) {
      t.is((await client.closed).code, 1012);
      t.true(client.frames.some((frame) => frame.code === 'server-closing'));
    }
  });
});
