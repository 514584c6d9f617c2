/** A new version comes: one node after the other is told to stop, and started again, while everybody talks. */
import test, { type ExecutionContext } from 'ava';
import type { TransportWish } from '../../src/client/index.ts';
import { clusterTest, holds } from './cluster-world.ts';
import { type DeployClient, openPlainClient, openSdkClient, type Return } from './deploy-clients.ts';

const wishes: readonly TransportWish[] = ['auto', 'websocket', 'sse', 'poll'];
const sdkClients = 32;
const plainClients = 4;
/**
 * Between the first and the last of those who are asked to come back after one stop. They are drawn from half a second:
 * five of them are closer together than this three times in 100,000.
 */
const leastSpreadMs = 25;
/** Fewer than these say nothing about how they spread. */
const leastForSpread = 5;
/**
 * Of what came back to the others after a stop, so many at most within a moment, over all stops: of five times that are
 * drawn from half a second four lie that close in one stop of fifty, and so many of thirty never.
 */
const crowd = { share: 0.6, withinMs: 50 };

clusterTest(
  test.serial,
  'a rolling restart under load loses and doubles nothing, parts nobody, and brings everybody back spread out',
  async (t, world) => {
    const { cluster } = world;
    const faults: string[] = [];
    const fail = (what: string): void => void faults.push(what);
    const { url } = cluster.balancer;
    const sdk = Array.from({ length: sdkClients }, async (_, n) => {
      const name = `sdk-${n}`;
      const transport = wishes[n % wishes.length] ?? 'auto';
      return openSdkClient(t, { name, token: await world.tokenOf(name), url, fail, transport });
    });
    const plain = Array.from({ length: plainClients }, async (_, n) => {
      const name = `plain-${n}`;
      return openPlainClient(t, { name, token: await world.tokenOf(name), url, fail });
    });
    const clients = await Promise.all([...sdk, ...plain]);
    const names = clients.map(({ name }) => name);
    await world.agreesOn(names);

    const stops: Return[][] = [];
    for (const node of cluster.nodes) {
      const before = clients.map(({ returns }) => returns.length);
      const begun = performance.now();
      t.is(await node.stop(), 0);
      t.log(`node ${node.index} stopped in ${Math.round(performance.now() - begun)} ms`);
      await holds('everybody is back', () => clients.every(({ isOpen }) => isOpen));
      const returns = clients.flatMap((client, index) => client.returns.slice(before[index]));
      assertSpread(t, returns);
      stops.push(returns);
      await node.start();
      await holds('it gets requests', () => cluster.balancer.ready().length === cluster.nodes.length);
      t.deepEqual(faults, []);
    }
    assertNoCrowd(t, stops);
    await Promise.all(clients.map((client) => client.hush()));
    t.deepEqual(faults, []);
    await world.agreesOn(names);
    await assertShown(
      t,
      clients,
      Array.from((await world.stored()).values(), ({ body }) => body),
    );
  },
);

/** Nothing is lost or doubled, neither in the log nor to anybody; and nobody was seen to go, but the one who looked. */
async function assertShown(
  t: ExecutionContext,
  clients: readonly DeployClient[],
  stored: readonly string[],
): Promise<void> {
  t.deepEqual(stored.toSorted(), clients.flatMap(({ said }) => said).toSorted());
  for (const { name, ids, parted } of clients) {
    await holds(`${name} was shown all`, () => ids.at(-1) === stored.length || ids.length > stored.length);
    const [first = 0] = ids;
    t.deepEqual(
      ids,
      ids.map((_, n) => first + n),
      name,
    );
    t.deepEqual(
      parted.filter((user) => user !== 'visitor'),
      [],
      `${name} saw nobody part`,
    );
  }
}

function assertSpread(
  t: { log(what: string): void; true(is: boolean, what: string): unknown },
  returns: Return[],
): void {
  const waits = returns.map(({ toldAt, backAt }) => Math.round(backAt - toldAt)).sort((a, b) => a - b);
  const asked = returns.map(({ askedFor }) => askedFor).sort((a, b) => a - b);
  t.log(`${returns.length} came back after ${waits.join(', ')} ms; asked for ${asked.join(', ')} ms`);
  if (returns.length < leastForSpread) return;
  const spreadMs = (asked.at(-1) ?? 0) - (asked[0] ?? 0);
  t.true(spreadMs >= leastSpreadMs, `${returns.length} were asked to come back within ${spreadMs} ms`);
}

function assertNoCrowd(t: { true(is: boolean, what: string): unknown }, stops: readonly Return[][]): void {
  const all = stops.reduce((sum, returns) => sum + returns.length, 0);
  const crowded = stops.reduce((sum, returns) => sum + largestCrowd(returns.map(({ backAt }) => backAt)), 0);
  const { share, withinMs } = crowd;
  t.true(crowded <= share * all, `${crowded} of ${all} came back within ${withinMs} ms of each other`);
}

function largestCrowd(times: readonly number[]): number {
  return Math.max(
    0,
    ...times.map((from) => times.filter((time) => time >= from && time < from + crowd.withinMs).length),
  );
}
