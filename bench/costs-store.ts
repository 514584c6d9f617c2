/** What PostgreSQL spends on what each node asks of it: leases, claims, looks at the changes, and messages of one hot room. */
import { randomText, systemClock } from '../src/core/clock.ts';
import type { Storage } from '../src/core/ports.ts';
import { openStorage } from '../src/storage/storage.ts';
import { type Cost, type CostWorld, costOf } from './cost.ts';

const leaseMs = 600_000;

export async function measureStore(world: CostWorld): Promise<Cost[]> {
  const { databaseUrl: url } = world;
  const open = (): Promise<Storage> =>
    openStorage({ url, pool: 4, synchronous: 'NORMAL', clock: systemClock, random: randomText });
  const [storage, other] = [await open(), await open()];
  try {
    return [
      ...(await measureLeases(world, storage)),
      ...(await measureClaims(world, storage)),
      ...(await measureLooks(world, storage)),
      ...(await measureHotRoom(world, storage, other)),
    ];
  } finally {
    await storage.close();
    await other.close();
  }
}

async function repeat(
  world: CostWorld,
  what: string,
  each: string,
  count: number,
  one: (index: number) => Promise<unknown>,
): Promise<Cost> {
  world.note(what);
  // Planned first.
  for (let index = 0; index < 20; index += 1) await one(index);
  const watched = { nodes: [{ name: 'node', port: 0, pid: process.pid }], helpers: [world.helpers.postgres] };
  const { cpuUs, seconds } = await costOf(watched, count, async () => {
    for (let index = 0; index < count; index += 1) await one(index);
  });
  return { what, each, cpuUs, ms: (seconds / count) * 1000 };
}

async function measureLeases(world: CostWorld, { nodes }: Storage): Promise<Cost[]> {
  const costs: Cost[] = [];
  let registered = 0;
  for (const size of [2, 100, 1000]) {
    for (; registered < size; registered += 1) await nodes.register(`bench-${registered}`, leaseMs);
    const count = world.isQuick ? 200 : 1000;
    costs.push(await repeat(world, `lease renewed, ${size} nodes`, 'renewal', count, () => nodes.renew('bench-0')));
  }
  for (let index = 1; index < registered; index += 1) await nodes.leave(`bench-${index}`);
  return costs;
}

async function measureClaims(world: CostWorld, { claims, users, nodes }: Storage): Promise<Cost[]> {
  const { id: userId } = await users.create({
    username: 'bench-claims',
    email: '',
    passwordHash: 'x',
    isSuperuser: false,
    createdAt: 1,
  });
  const node = 'bench-0';
  const count = world.isQuick ? 300 : 1500;
  const cost = await repeat(world, 'claim taken and released', 'session', count, async (index) => {
    const session = `s${index}`;
    await claims.take({ userId, session, node, tokenHash: `${index}`.padStart(64, '0') });
    await claims.release({ userId, session, node });
  });
  await nodes.leave(node);
  return [cost];
}

async function measureLooks(world: CostWorld, { changes, rooms, messages }: Storage): Promise<Cost[]> {
  const ids: number[] = [];
  for (let index = 0; index < 1000; index += 1) {
    ids.push((await rooms.create({ name: `look-${index}`, topic: '', createdAt: 1 })).id);
  }
  const count = world.isQuick ? 200 : 1000;
  const latest = await changes.latestId();
  return [
    await repeat(world, 'look at the changes', 'look', count, () => changes.readAfter(latest, 100)),
    await repeat(world, 'newest ids of 10 rooms', 'look', count, () => messages.lastIds(ids.slice(0, 10))),
    await repeat(world, 'newest ids of 1000 rooms', 'look', count / 10, () => messages.lastIds(ids)),
  ];
}

/** Messages of one room, in batches as a node makes them: what comes during a commit is in the next one. */
async function measureHotRoom(world: CostWorld, one: Storage, other: Storage): Promise<Cost[]> {
  const room = await one.rooms.create({ name: 'hot', topic: '', createdAt: 1 });
  const user = { username: 'bench-hot', email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 };
  const { id: userId } = await one.users.create(user);
  const body = 'good morning everybody, how are you this fine day in november?';
  const costs: Cost[] = [];
  const writers = [[one], [one, other]];
  for (const size of [1, 20, 200]) {
    for (const stores of writers) {
      const batches = Math.ceil((world.isQuick ? 300 : 1500) / Math.sqrt(size) / stores.length);
      const messages = batches * stores.length * size;
      const what = `hot room, ${stores.length} writing, ${size} in a batch`;
      world.note(what);
      const append = async (storage: Storage, count: number): Promise<void> => {
        for (let index = 0; index < count; index += 1) {
          const batch = Array.from({ length: size }, () => ({
            roomId: room.id,
            userId,
            body,
            ref: randomText(16),
            createdAt: Date.now(),
          }));
          await storage.messages.append(batch);
        }
      };
      await append(one, 10);
      const watched = { nodes: [{ name: 'node', port: 0, pid: process.pid }], helpers: [world.helpers.postgres] };
      const { cpuUs, seconds } = await costOf(watched, messages, () =>
        Promise.all(stores.map((storage) => append(storage, batches))),
      );
      costs.push({
        what,
        each: `message (${Math.round(messages / seconds)}/s)`,
        cpuUs,
        ms: (seconds / batches) * 1000,
      });
    }
  }
  return costs;
}
