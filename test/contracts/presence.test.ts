/** Rooms over several nodes, on a bus in memory and on a real Redis: who is there, what is said, and in which order. */
import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { Storage } from '../../src/core/ports.ts';
import { attach, type BusWorld, openMemoryWorld, openRedisWorld, waitUntil } from '../support/bus-world.ts';
import { createSqliteDatabase } from '../support/databases.ts';
import { followVisit, furnish, openRoomNode, type RoomNode } from '../support/room-cluster.ts';
import { type Member, openMember } from '../support/room-world.ts';
import { findService, requiresServices } from '../support/services.ts';

type Scene = { world: BusWorld; storage: Storage; room: number; nodes: RoomNode[] };

const name = 'friends';

function contract(kind: string, openWorld: (t: ExecutionContext) => Promise<BusWorld>): void {
  async function openScene(t: ExecutionContext, count: number): Promise<Scene> {
    const world = await openWorld(t);
    const storage = await (await createSqliteDatabase(t)).open();
    const { id } = await furnish(storage, name, 9);
    const nodes: RoomNode[] = [];
    for (let n = 0; n < count; n += 1) {
      const bus = await attach(world);
      nodes.push(await openRoomNode(t, { id: `node-${n}-${randomUUID()}`, bus, clock: systemClock, storage }));
    }
    return { world, storage, room: id, nodes };
  }

  test(`${kind}: who joins and parts on one node is seen on the others, once, and in the list of users`, async (t) => {
    const { nodes, room } = await openScene(t, 3);
    const [a, b, c] = nodes as [RoomNode, RoomNode, RoomNode];
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
    const { nodes } = await openScene(t, 3);
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
}

contract('memory', openMemoryWorld);

const service = findService('redis');
if ('url' in service) {
  contract('Redis', (t) => openRedisWorld(t));
} else {
  // Shown with its reason on a machine without the service; a failure where services are demanded.
  const skipOrFail = requiresServices() ? test : test.skip;
  skipOrFail(`Redis: rooms over several nodes (${service.missing})`, (t) => t.fail(service.missing));
}
