/** What two nodes spend on each other: on a message that the other one shows, a join, a new session, and a move. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningServer } from './contestant.ts';
import { type Cost, type CostWorld, costOf, type Watched } from './cost.ts';
import { measureJoins, measureMoves, type Place } from './costs-visits.ts';
import { createFinchat } from './finchat.ts';
import { runIdle } from './idle.ts';
import { runLoad } from './load.ts';
import type { LoadPlan, Member } from './plan.ts';

/** Messages a second in one room: so few that each is a publication of its own, and so many that some go together. */
const rates = [100, 500];

export async function measureCluster(world: CostWorld): Promise<Cost[]> {
  const { databaseUrl, folder, redisUrl } = world;
  const alone = createFinchat(databaseUrl, folder);
  const single = createFinchat(databaseUrl, folder, { nodes: 1, redisUrl });
  const pair = createFinchat(databaseUrl, folder, { nodes: 2, redisUrl });
  const costs: Cost[] = [];
  for (const contestant of [alone, single, pair]) {
    const isPair = contestant === pair;
    const server = await contestant.start();
    try {
      const place: Place = { world, contestant, server, watched: watch(world, server), idle: {} };
      await contestant.tokens(server, isPair ? 1100 : 300);
      costs.push(await measureIdling(place));
      costs.push(...(await measureConnects(place)));
      costs.push(...(await measurePublications(place, isPair ? [1, 150] : [0])));
      if (isPair) costs.push(...(await measureJoins(place)), ...(await measureMoves(place)));
    } finally {
      await server.stop();
    }
  }
  return costs;
}

function watch({ helpers }: CostWorld, { nodes }: RunningServer): Watched {
  return {
    nodes: nodes.map((node, index) => ({ ...node, name: `node ${index + 1}` })),
    helpers: [helpers.postgres, helpers.redis],
  };
}

async function measureIdling(place: Place): Promise<Cost> {
  const { contestant, watched, world } = place;
  world.note(`${contestant.name}: at rest`);
  // What the start and the accounts have left to do is done first.
  await sleep(2_000);
  const seconds = world.isQuick ? 4 : 10;
  const { cpuUs } = await costOf(watched, seconds, () => sleep(seconds * 1000));
  place.idle = Object.fromEntries(Object.entries(cpuUs).map(([name, us]) => [name, us / 1e6]));
  return { what: `${contestant.name}: at rest`, each: 'second', cpuUs };
}

async function measureConnects({ contestant, server, watched, world, idle }: Place): Promise<Cost[]> {
  world.note(`${contestant.name}: connects`);
  const tokens = await contestant.tokens(server, 300);
  const { nodes } = server;
  const connect = (): ReturnType<typeof runIdle> =>
    runIdle({ kind: 'idle', transport: 'websocket', nodes, helpers: [], tokens, settleMs: 500, collects: false });
  await connect();
  await sleep(1_000);
  let perSecond = 0;
  const { cpuUs } = await costOf(
    watched,
    tokens.length,
    async () => {
      perSecond = (await connect()).connectsPerSecond;
      // They leave by that, and their claims are freed.
      await sleep(1_000);
    },
    idle,
  );
  return [{ what: `${contestant.name}: connect and leave`, each: `session (${Math.round(perSecond)}/s)`, cpuUs }];
}

/** A member on the first node sends, `remote` members on the second one hear. */
async function measurePublications(
  { contestant, server, watched, world, idle }: Place,
  remotes: readonly number[],
): Promise<Cost[]> {
  const costs: Cost[] = [];
  const [room = ''] = await contestant.rooms(1);
  for (const [rate, remote] of rates.flatMap((each) => remotes.map((count) => [each, count] as const))) {
    world.note(`${contestant.name}: ${rate} messages a second to ${remote} on the other node`);
    const tokens = await contestant.tokens(server, remote + 1);
    const members: Member[] = tokens.map((token, index) => ({
      token,
      room,
      node: index === 0 ? 0 : 1,
      isListener: index > 0,
    }));
    const plan: LoadPlan = {
      kind: 'load',
      transport: 'websocket',
      nodes: server.nodes,
      helpers: [...watched.helpers],
      members,
      window: 1,
      rate,
      size: 64,
      warmUpMs: 1_500,
      measureMs: world.isQuick ? 3_000 : 10_000,
      stallMs: 5_000,
    };
    const result = await runLoad(plan);
    if (result.fault !== undefined) throw new Error(`${contestant.name}: ${result.fault}`);
    const cpuUs: Record<string, number> = { ...result.helperCpuPerMessageUs };
    for (const [index, us] of (result.nodeCpuPerMessageUs ?? []).entries()) cpuUs[`node ${index + 1}`] = us;
    for (const [name, perSecond] of Object.entries(idle)) {
      cpuUs[name] = Math.max(0, (cpuUs[name] ?? 0) - (perSecond / result.messagesPerSecond) * 1e6);
    }
    const what = `${contestant.name}: ${rate}/s, 1 member here${remote > 0 ? `, ${remote} there` : ''}`;
    costs.push({ what, each: 'message', cpuUs, ms: result.latencyMs.p50 });
    // Its sessions end by themselves.
    await sleep(1_000);
  }
  return costs;
}
