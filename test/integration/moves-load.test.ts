/**
 * Clients that talk, command, join and part, are cut, lose what was under way and come back on any node, over any line that
 * moves a session: each sees everything once and in order, and nobody sees that anybody moved.
 */
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createRandom, type Random } from '../fuzz/random.ts';
import { verifyCommands, verifyRoom } from '../fuzz/verify.ts';
import { waitUntil } from '../support/bus-world.ts';
import { type ChatNodes, openChatNodes } from '../support/chat-nodes.ts';
import type { NodeClient } from '../support/node-client.ts';

const rounds = 12;
const steps = 400;
const roomNames = ['friends', 'news'] as const;

type Load = ChatNodes & {
  clients: NodeClient[];
  /** In all rooms from the beginning, and stays where it is. */
  watcher: NodeClient;
  random: Random;
  moves: number;
};

async function openLoad(t: ExecutionContext, seed: number): Promise<Load> {
  const random = createRandom(seed);
  const world = await openChatNodes(t, 3);
  const open = async (name: string): Promise<NodeClient> => {
    const client = await world.client(name);
    t.true(await client.come(random.pick(world.nodes).chat));
    client.send({ type: 'join', room_name: 'friends' });
    return client;
  };
  const clients: NodeClient[] = [];
  for (const name of ['ann', 'bob', 'cid', 'dan', 'eve']) clients.push(await open(name));
  const watcher = await open('watcher');
  watcher.send({ type: 'join', room_name: 'news' });
  const isBegun = (): boolean => watcher.room('news').isMember && clients.every((one) => one.room('friends').isMember);
  await waitUntil(isBegun, 'everybody is in the rooms');
  return { ...world, clients, watcher, random, moves: 0 };
}

async function comeBack(load: Load, client: NodeClient): Promise<void> {
  const { random, nodes } = load;
  const kind = random.pick(['websocket', 'sse'] as const);
  const isBack = await client.come(random.pick(nodes).chat, { kind });
  if (!isBack || client.isResumed !== true) client.faults.push(`${client.name} is not back: ${client.ended.join()}`);
  load.moves += 1;
}

async function act(load: Load): Promise<void> {
  const { clients, random } = load;
  const away = new Set<NodeClient>();
  for (let step = 0; step < steps; step += 1) {
    const client = random.pick(clients);
    const room_name = random.pick(['friends', ...roomNames]);
    if (away.has(client)) {
      if (random.chance(0.7)) continue;
      await comeBack(load, client);
      away.delete(client);
      continue;
    }
    const ref = `r${step}`;
    const text = `${client.name} says ${step}`;
    const what = random.int(0, 19);
    if (what < 9) client.send({ type: 'message', room_name, body: text, ref });
    else if (what < 13) client.send({ type: 'custom', room_name, command: 'c', payload: text, ref });
    else if (what === 13) client.send({ type: 'join', room_name: 'news' });
    else if (what === 14) client.send({ type: 'part', room_name: 'news' });
    else if (what === 15) client.isDeaf = true;
    else if (what === 16) {
      client.cut();
      away.add(client);
    } else if (what === 17) await comeBack(load, client);
    else if (what === 18) await delay(random.int(0, 4));
  }
}

/** Everybody has come back and has everything. */
async function settle(load: Load): Promise<void> {
  const { clients, watcher } = load;
  for (const client of clients) await comeBack(load, client);
  // Its answer waits for the outcome of everything before.
  for (const client of clients) client.send({ type: 'help', ref: 'last' });
  const isAnswered = ({ frames }: NodeClient): boolean => frames.some(({ ref }) => ref === 'last');
  await waitUntil(() => clients.every(isAnswered), 'everybody is answered');
  for (const room_name of roomNames)
    watcher.send({ type: 'message', room_name, body: `watcher says 0 in ${room_name}` });
  const hasAll = (client: NodeClient, name: string): boolean =>
    !client.room(name).isMember || Array.from(client.room(name).messages.values()).at(-1)?.user === 'watcher';
  const isDone = (client: NodeClient): boolean => roomNames.every((name) => hasAll(client, name));
  await waitUntil(() => [...clients, watcher].every(isDone), 'everybody has the last messages');
}

for (let round = 0; round < rounds; round += 1) {
  test.serial(
    `sessions that move under load lose nothing, double nothing, and nobody sees it (${round})`,
    async (t) => {
      const load = await openLoad(t, round);
      const { clients, watcher, storage, nodes } = load;
      await act(load);
      await settle(load);
      for (const name of roomNames) {
        const room = await storage.rooms.findByName(name);
        const stored = await storage.messages.range(room?.id ?? 0, 1, 10_000, 10_000);
        const log = new Map(stored.map(({ id, username: user, body }) => [id, { user, body }]));
        t.deepEqual(verifyRoom(name, log, new Set(clients.map((one) => one.name))), []);
        t.is(watcher.room(name).messages.size, log.size);
        t.deepEqual(verifyCommands(watcher.room(name).memberships[0]?.events ?? []), []);
        const members = [...clients, watcher].filter((one) => one.room(name).isMember);
        const there = members.map((one) => one.name).sort();
        for (const one of members) t.deepEqual([...one.room(name).roster].sort(), there, `${one.name} in ${name}`);
      }
      const parted = watcher.room('friends').memberships[0]?.events.filter((event) => event.startsWith('parted'));
      t.deepEqual(parted, []);
      for (const one of [...clients, watcher]) t.deepEqual(one.faults, []);
      for (const node of nodes) t.deepEqual(node.said, []);
      t.true(load.moves > 20, `${load.moves} moves`);
    },
  );
}
