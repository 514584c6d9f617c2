/** Rooms over several nodes, on a bus in memory and on a real Redis: who is there, what is said, and in which order. */
import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { createChannels } from '../../src/cluster/channels.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Bus } from '../../src/core/cluster-ports.ts';
import type { Storage } from '../../src/core/ports.ts';
import { attach, type BusWorld, openMemoryWorld, openRedisWorld, waitUntil } from '../support/bus-world.ts';
import { createSqliteDatabase } from '../support/databases.ts';
import { followVisit, furnish, openRoomNode, type RoomNode } from '../support/room-cluster.ts';
import { type Member, openMember } from '../support/room-world.ts';
import { failOrSkip, findService } from '../support/services.ts';

/** `drop`: loses the next publications of the node on channels of rooms, without anybody's notice. */
type SceneNode = RoomNode & { drop(publications: number): void };
/** `cluster`: its id, since scenes share a Redis. */
type Scene = { world: BusWorld; storage: Storage; cluster: string; room: number; nodes: SceneNode[] };

const name = 'friends';

const usersSeen = ({ frames }: Member): string[] => followVisit(frames)?.users ?? [];
const users = (...ids: number[]): string[] => ids.map((id) => `user-${id}`);
/** Codes of what others did, with who it was. */
const seen = ({ frames }: Member): string[] =>
  frames.filter(({ you }) => you === false).map(({ code, user, body }) => [code, body ?? user].join(' '));

/** What was said in this turn is one publication. */
async function turnEnd(): Promise<void> {
  for (let turns = 0; turns < 2; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function openScene(t: ExecutionContext, world: BusWorld, count: number): Promise<Scene> {
  const storage = await (await createSqliteDatabase(t)).open();
  const { id } = await furnish(storage, name, 9);
  const nodes: SceneNode[] = [];
  const scene = { world, storage, cluster: randomUUID(), room: id, nodes };
  for (let n = 0; n < count; n += 1) nodes.push(await openNode(t, scene));
  return scene;
}

async function openNode(
  t: ExecutionContext,
  { world, storage, cluster }: Pick<Scene, 'world' | 'storage' | 'cluster'>,
): Promise<SceneNode> {
  const carrying = await attach(world);
  let toDrop = 0;
  const bus: Bus = {
    get isAlone() {
      return carrying.isAlone;
    },
    async publish(channel, value) {
      if (toDrop === 0 || !channel.includes(':room:')) return carrying.publish(channel, value);
      toDrop -= 1;
      return 2;
    },
    subscribe: (channel, receive) => carrying.subscribe(channel, receive),
    isHealthy: () => carrying.isHealthy(),
    onRestored: (listener) => carrying.onRestored(listener),
    close: () => carrying.close(),
  };
  const node = await openRoomNode(t, { id: randomUUID(), bus, cluster, clock: systemClock, storage });
  return Object.assign(node, {
    drop(publications: number) {
      toDrop += publications;
    },
  });
}

function contract(kind: string, openWorld: (t: ExecutionContext) => Promise<BusWorld>): void {
  test(`${kind}: who joins and parts on one node is seen on the others, once, and in the list of users`, async (t) => {
    const { nodes, room } = await openScene(t, await openWorld(t), 3);
    const [a, b, c] = nodes as [SceneNode, SceneNode, SceneNode];
    const [ann, bob, cid] = [openMember(1), openMember(2), openMember(3)];
    await a.join(ann, name);
    await b.join(bob, name);
    await waitUntil(() => ann.shown().length === 2, 'Ann sees Bob');
    await c.join(cid, name);
    t.deepEqual(followVisit(cid.frames)?.users, ['user-1', 'user-2', 'user-3']);
    t.deepEqual(followVisit(bob.frames)?.users.slice(0, 2), ['user-1', 'user-2']);
    await waitUntil(() => ann.shown().length === 3 && bob.shown().length === 2, 'both see Cid');
    await waitUntil(() => a.hub.count(room) === 3 && c.hub.count(room) === 3, 'all are counted');
    b.part(bob, name);
    await waitUntil(() => ann.shown().length === 4 && cid.shown().length === 2, 'Bob has parted');
    t.deepEqual(ann.shown(), ['joined', 'joined', 'joined', 'parted']);
    t.deepEqual(cid.shown(), ['joined', 'parted']);
    t.deepEqual(await b.hub.memberNames(room), ['user-1', 'user-3']);
    await waitUntil(() => b.hub.count(room) === 2, 'two are left');
  });

  test(`${kind}: messages of all nodes come in one order, each member's own to it alone`, async (t) => {
    const { nodes } = await openScene(t, await openWorld(t), 3);
    const members: Member[] = [];
    for (const [index, node] of nodes.entries()) {
      const member = openMember(index + 1);
      await node.join(member, name);
      members.push(member);
    }
    await Promise.all(
      Array.from({ length: 60 }, (_, n) => {
        const who = n % 3;
        return (nodes[who] as RoomNode).say(members[who] as Member, name, `m${n}`);
      }),
    );
    await waitUntil(() => members.every(({ frames }) => followVisit(frames)?.last === 60), 'all have all');
    for (const [index, { frames }] of members.entries()) {
      const said = frames.filter(({ code }) => code === 'message');
      for (const { you, user } of said) t.is(you, user === `user-${index + 1}`);
    }
  });

  test(`${kind}: commands and joins come after the messages that they came after, also where these are lost`, async (t) => {
    const { nodes } = await openScene(t, await openWorld(t), 2);
    const [a, b] = nodes as [SceneNode, SceneNode];
    const [ann, bob, cid] = [openMember(1), openMember(2), openMember(3)];
    await a.join(ann, name);
    await b.join(bob, name);
    await waitUntil(() => usersSeen(ann).length === 2, 'Ann sees Bob');
    a.drop(1);
    await a.say(ann, name, 'lost on its way');
    await turnEnd();
    a.relay(ann, name, 'wave');
    await a.join(cid, name);
    await waitUntil(() => seen(bob).length === 3, 'Bob has all');
    t.deepEqual(seen(bob), ['message lost on its way', 'custom user-1', 'joined user-3']);
  });

  test(`${kind}: who joined or parted in what was lost is seen as soon as something else is heard`, async (t) => {
    const { nodes } = await openScene(t, await openWorld(t), 2);
    const [a, b] = nodes as [SceneNode, SceneNode];
    const [ann, bob, cid, dan] = [openMember(1), openMember(2), openMember(3), openMember(4)];
    await a.join(ann, name);
    await a.join(cid, name);
    await b.join(bob, name);
    t.deepEqual(usersSeen(bob), users(1, 2, 3));
    a.drop(1);
    a.part(cid, name);
    await a.join(dan, name);
    await turnEnd();
    a.relay(ann, name, 'wave');
    await waitUntil(() => usersSeen(bob).join() === users(1, 2, 4).join(), 'Bob knows');
  });

  test(`${kind}: of two sessions of one user the later claim counts, whichever is heard of first`, async (t) => {
    const { nodes } = await openScene(t, await openWorld(t), 3);
    const [a, b, c] = nodes as [SceneNode, SceneNode, SceneNode];
    const [ann, old, young] = [openMember(1), openMember(2, { key: 'old' }), openMember(2, { key: 'new', claim: 2 })];
    await a.join(ann, name);
    await b.join(old, name);
    await waitUntil(() => usersSeen(ann).length === 2, 'Ann sees the older one');
    await c.join(young, name);
    await waitUntil(() => seen(ann).length === 3, 'Ann sees both');
    b.end(old);
    await b.join(openMember(3), name);
    await waitUntil(() => usersSeen(ann).length === 3, 'Ann sees what came later');
    t.deepEqual(seen(ann), ['joined user-2', 'parted user-2', 'joined user-2', 'joined user-3']);
    t.deepEqual(usersSeen(young), users(1, 2, 3));
    t.deepEqual(seen(old), []);
  });

  test(`${kind}: a session that moves while others talk sees everything once, and is seen by nobody to move`, async (t) => {
    const { nodes } = await openScene(t, await openWorld(t), 3);
    const [a, b, c] = nodes as [SceneNode, SceneNode, SceneNode];
    const [ann, bob] = [openMember(1), openMember(2)];
    let moving = openMember(3);
    await a.join(ann, name);
    await b.join(bob, name);
    await c.join(moving, name);
    await waitUntil(() => usersSeen(ann).length === 3 && usersSeen(bob).length === 3, 'all see each other');
    const talking = Promise.all(
      Array.from({ length: 120 }, async (_, n) => {
        for (let turns = 0; turns < n; turns += 1) await new Promise((resolve) => setImmediate(resolve));
        if (n % 10 === 5) a.relay(ann, name, `c${n}`);
        await (n % 2 === 0 ? a.say(ann, name, `m${n}`) : b.say(bob, name, `m${n}`));
      }),
    );
    const places = [c, a, b, c, b, a, c];
    for (const [index, place] of places.slice(1).entries()) {
      moving = await place.moveHere(moving, places[index] as SceneNode, index + 2);
      await place.say(moving, name, `moved ${index}`, `ref-${index}`);
    }
    await talking;
    const last = 120 + 6;
    await waitUntil(() => [ann, bob, moving].every(({ frames }) => followVisit(frames)?.last === last), 'all have all');
    for (const member of [ann, bob, moving]) {
      const commands = member.frames.filter(({ code }) => code === 'custom').map(({ command }) => command);
      t.deepEqual(
        commands,
        Array.from({ length: 12 }, (_, n) => `c${n * 10 + 5}`),
      );
      t.deepEqual(usersSeen(member), users(1, 2, 3));
    }
    for (const { frames } of [ann, bob]) {
      t.false(frames.some(({ code, user }) => code === 'parted' && user === 'user-3'));
    }
    const own = moving.frames.filter(({ code, you }) => code === 'message' && you === true);
    t.deepEqual(
      own.map(({ ref }) => ref),
      Array.from({ length: 6 }, (_, n) => `ref-${n}`),
    );
  });

  test(`${kind}: what only the members of one node saw before it died is seen by all, and then its members part`, async (t) => {
    const scene = await openScene(t, await openWorld(t), 3);
    const [a, b, dying] = scene.nodes as [SceneNode, SceneNode, SceneNode];
    const [ann, bob, cid, dan] = [openMember(1), openMember(2), openMember(3), openMember(4)];
    await a.join(ann, name);
    await b.join(bob, name);
    await dying.join(cid, name);
    await dying.join(dan, name);
    await waitUntil(() => usersSeen(ann).length === 4 && usersSeen(bob).length === 4, 'all are there');
    dying.drop(1);
    await dying.say(cid, name, 'last words');
    for (const { hub } of [a, b]) hub.nodeGone(dying.id);
    // Its voice from the grave.
    await dying.join(openMember(5), name);
    await waitUntil(() => usersSeen(ann).length === 2 && usersSeen(bob).length === 2, 'they have parted');
    for (const member of [ann, bob]) {
      t.deepEqual(seen(member).slice(-3), ['message last words', 'parted user-3', 'parted user-4']);
    }
    // Its users come back elsewhere.
    await b.join(openMember(3, { key: 'again', claim: 2 }), name);
    await waitUntil(() => usersSeen(ann).length === 3, 'Cid is back');
    t.deepEqual(usersSeen(ann), users(1, 2, 3));
    // A node that has begun since learns of the dead one only that it is not in the store.
    const next = await openNode(t, scene);
    const eve = openMember(7);
    await next.join(eve, name);
    t.deepEqual(next.here.toSorted(), [a.id, b.id, dying.id].toSorted());
    next.hub.nodeGone(dying.id);
    await waitUntil(() => usersSeen(eve).join() === users(1, 2, 3, 7).join(), 'Eve sees who is there');
  });

  test(`${kind}: a room that is renamed parts its members on each node, and nobody sees the others part`, async (t) => {
    const { nodes, room } = await openScene(t, await openWorld(t), 2);
    const [a, b] = nodes as [SceneNode, SceneNode];
    const [ann, bob] = [openMember(1), openMember(2)];
    await a.join(ann, name);
    await b.join(bob, name);
    await waitUntil(() => usersSeen(ann).length === 2, 'Ann sees Bob');
    const epoch = a.directory.get(room)?.epoch ?? '';
    const renamed = { id: room, name: 'others', topic: '', epoch };
    for (const { hub, directory } of [a, b]) {
      hub.disband(room);
      directory.put(renamed);
      // The other one learns of it a little later, and is told meanwhile what happens under the new name.
      if (directory === a.directory) await a.join(ann, 'others');
    }
    await b.join(bob, 'others');
    await waitUntil(() => usersSeen(ann).length === 2, 'Ann sees Bob under the new name');
    t.deepEqual(ann.shown(), ['joined', 'joined', 'parted', 'joined', 'joined']);
    t.deepEqual(bob.shown(), ['joined', 'parted', 'joined']);
    t.deepEqual(usersSeen(bob), users(1, 2));
  });

  test(`${kind}: what has not the form of a publication harms nothing, and the log says so once`, async (t) => {
    const { nodes, room, cluster, world } = await openScene(t, await openWorld(t), 2);
    const [a, b] = nodes as [SceneNode, SceneNode];
    const [ann, bob] = [openMember(1), openMember(2)];
    await a.join(ann, name);
    const stranger = await attach(world);
    const channel = createChannels(cluster).room(room);
    const head = { v: 1, node: 'x', stream: 1, seq: 1, name, epoch: a.hub.get(room)?.epoch };
    const events = [
      [{ kind: 'joined', at: -1, member: { userId: 9, username: 'user-9', session: 's', claim: 1 } }],
      [{ kind: 'joined', at: 0, member: { userId: 9, username: 9, session: 's', claim: 1 } }],
      [{ kind: 'messages', messages: [{ id: 1, userId: 1, username: 'u', body: 'b', createdAt: 1e300 }] }],
      [{ kind: 'parted', at: 0 }],
      [{ kind: 'command', at: 0, n: 1, command: {} }],
      [{ kind: 'roster', at: 0, n: 0, members: [{}] }],
      [{ kind: 'unheard-of' }],
      'none',
    ];
    for (const one of events) await stranger.publish(channel, { ...head, events: one });
    for (const value of [[], {}, { v: 2 }, { ...head, epoch: 1, events: [] }]) await stranger.publish(channel, value);
    await b.join(bob, name);
    await waitUntil(() => usersSeen(ann).length === 2, 'Ann sees Bob');
    t.deepEqual(usersSeen(ann), users(1, 2));
    t.is(a.log.said.filter((line) => line.includes('has not its form') || line.includes('not their form')).length, 1);
    t.is(a.log.said.filter((line) => line.includes('another version')).length, 1);
  });
}

/** Each test has a bus of its own, which it takes away. */
function breaking(kind: string, openWorld: (t: ExecutionContext) => Promise<BusWorld>): void {
  test(`${kind}: without a bus each node goes on, and when it is back nobody is there who is not`, async (t) => {
    const { nodes, world, room } = await openScene(t, await openWorld(t), 3);
    const [a, b, c] = nodes as [SceneNode, SceneNode, SceneNode];
    const [ann, bob, cid, dan, eve] = [1, 2, 3, 4, 5].map((id) => openMember(id)) as [
      Member,
      Member,
      Member,
      Member,
      Member,
    ];
    await a.join(ann, name);
    await b.join(bob, name);
    await b.join(cid, name);
    await c.join(eve, name);
    await waitUntil(() => [ann, bob, cid, eve].every((one) => usersSeen(one).length === 4), 'all are there');
    await world.break();
    await waitUntil(() => nodes.every(({ bus }) => !bus.isHealthy()), 'the bus is away');
    b.part(cid, name);
    await a.join(dan, name);
    // The room is not live there any more.
    c.part(eve, name);
    await b.say(bob, name, 'over SQL');
    await a.hub.reconcile();
    await waitUntil(() => seen(ann).includes('message over SQL'), 'the message comes all the same');
    t.deepEqual(usersSeen(ann), users(1, 2, 3, 4, 5));
    t.deepEqual(usersSeen(bob), users(1, 2, 5));
    await world.mend();
    await waitUntil(() => usersSeen(ann).join() === users(1, 2, 4).join(), 'Ann knows');
    await waitUntil(() => usersSeen(bob).join() === users(1, 2, 4).join(), 'Bob knows');
    await waitUntil(() => a.hub.count(room) === 3 && c.hub.count(room) === 3, 'so do the counts');
    await b.say(bob, name, 'over the bus');
    await waitUntil(() => seen(ann).includes('message over the bus'), 'and on it goes');
  });
}

contract('memory', openMemoryWorld);
breaking('memory', openMemoryWorld);

const service = findService('redis');
if ('url' in service) {
  contract('Redis', (t) => openRedisWorld(t, service.url));
  breaking('Redis', (t) => openRedisWorld(t));
} else {
  failOrSkip(test, 'Redis: rooms over several nodes', service.missing);
}
