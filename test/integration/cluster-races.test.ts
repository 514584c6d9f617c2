/** Connections of one user that race on two nodes: never two sessions, and nobody is locked out afterwards. */
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { clusterTest, isDegraded, type TestCluster, waitUntil } from '../support/cluster-apps.ts';
import type { RawFrame } from '../support/raw-client.ts';

/** Races of different users go on side by side. */
const users = 40;
const rounds = 25;
/** Without Redis whoever comes second is sent away after some seconds. */
const roundsWithoutRedis = 2;

/** `first`: the code of what it was told first; a close without a word: its close code. */
type Racer = { socket: WebSocket; first: string };

async function run(url: string, token: string): Promise<Racer> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/chat?token=${token}`);
  socket.on('error', () => {});
  const first = await Promise.race([
    once(socket, 'message').then(([data]) => String((JSON.parse(String(data)) as RawFrame).code)),
    once(socket, 'close').then(([code]) => String(code)),
  ]);
  return { socket, first };
}

async function end({ socket }: Racer): Promise<void> {
  const closed = once(socket, 'close');
  socket.close(1000);
  if (socket.readyState !== WebSocket.CLOSED) await closed;
}

/** Resolves what the losers were told, of all races. Each race must have exactly one winner. */
async function raceOften(
  t: ExecutionContext,
  cluster: TestCluster,
  { rounds, loses }: { rounds: number; loses: string },
): Promise<void> {
  t.timeout(120_000);
  const tokens = await Promise.all(Array.from({ length: users }, (_, n) => cluster.node(0).login(`racer${n}`)));
  let races = 0;
  await Promise.all(
    tokens.map(async (token) => {
      for (let round = 0; round < rounds; round += 1) {
        const racers = await Promise.all(cluster.nodes.map(({ url }) => run(url, token)));
        const codes = racers.map(({ first }) => first).toSorted();
        t.deepEqual(codes, [loses, 'api-motd'].toSorted(), `round ${round}`);
        for (const racer of racers.filter(({ first }) => first === 'api-motd')) await end(racer);
        races += 1;
      }
    }),
  );
  t.is(races, users * rounds);
  // Nobody is locked out, on either node.
  for (const { url } of cluster.nodes) {
    const late = await Promise.all(tokens.map((token) => run(url, token)));
    t.deepEqual(new Set(late.map(({ first }) => first)), new Set(['api-motd']));
    await Promise.all(late.map(end));
  }
}

clusterTest(test, 'of two connections on two nodes one gets in, a thousand times', (t, cluster) =>
  raceOften(t, cluster, { rounds, loses: 'already-chatting' }),
);

clusterTest(
  test,
  'without Redis one of two connections gets in as well, and the other is told to come again',
  async (t, cluster) => {
    await cluster.redis.stop();
    await waitUntil(async () => (await Promise.all(cluster.nodes.map(isDegraded))).every(Boolean), 'Redis is missed');
    await raceOften(t, cluster, { rounds: roundsWithoutRedis, loses: '1013' });
  },
  { ownRedis: true },
);
