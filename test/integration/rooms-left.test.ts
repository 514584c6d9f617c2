/** Rooms that nobody on a node is in any more: they linger, follow what happens elsewhere, and spare the others questions. */
import test, { type ExecutionContext } from 'ava';
import { createMemoryBus } from '../../src/bus/memory-bus.ts';
import type { Bus } from '../../src/core/cluster-ports.ts';
import type { Clock, Storage } from '../../src/core/ports.ts';
import { createSqliteDatabase } from '../support/databases.ts';
import { createManualTimers } from '../support/manual-timers.ts';
import { followVisit, furnish, openRoomNode, type RoomNode } from '../support/room-cluster.ts';
import { type Member, openMember } from '../support/room-world.ts';

const name = 'friends';
/** A room that was left is kept for less. */
const longMs = 11_000;

type Node = RoomNode & {
  /** What it has published of rooms, to all or to one, as the kinds of its events. */
  readonly said: string[];
};

type World = {
  nodes: Node[];
  room: number;
  storage: Storage;
  /** Whether the nodes believe that they hear all. */
  hears: { all: boolean };
  /** Statements for last ids, as how many rooms each was for. */
  looks: number[];
  lose: () => void;
  pass: (ms: number) => Promise<void>;
  during: <Value>(work: Promise<Value>) => Promise<Value>;
};

async function openWorld(t: ExecutionContext, count: number): Promise<World> {
  const storage = await (await createSqliteDatabase(t)).open();
  const { id: room } = await furnish(storage, name, 9);
  const hub = createMemoryBus();
  const timers = createManualTimers();
  const clock: Clock = {
    now: () => timers.now(),
    after(ms, run) {
      const handle = timers.setTimeout(run, ms);
      return () => timers.clearTimeout(handle);
    },
    endOfTurn: (run) => void setImmediate(run),
  };
  const hears = { all: true };
  const looks: number[] = [];
  const counted: Storage = {
    ...storage,
    messages: {
      ...storage.messages,
      lastIds(ids) {
        if (ids.length > 0) looks.push(ids.length);
        return storage.messages.lastIds(ids);
      },
    },
  };
  const nodes: Node[] = [];
  for (const id of 'abc'.slice(0, count)) {
    const bus = hub.attach();
    const said = noteSaid(bus);
    const options = { id, bus, cluster: 'c', clock, storage: counted, hearsAll: () => hears.all };
    nodes.push(Object.assign(await openRoomNode(t, options), { said }));
  }
  const step = async (ms: number): Promise<void> => {
    timers.advance(ms);
    for (let turns = 0; turns < 3; turns += 1) await hub.settle();
  };
  return {
    nodes,
    room,
    storage,
    hears,
    looks,
    lose: () => hub.lose(),
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 100) await step(100);
    },
    async during(work) {
      const state = { isDone: false };
      const settled = (): void => void (state.isDone = true);
      work.then(settled, settled);
      while (!state.isDone) await step(1);
      await step(1);
      return work;
    },
  };
}

function noteSaid(bus: Bus): string[] {
  const said: string[] = [];
  const publish = bus.publish.bind(bus);
  bus.publish = (channel, value) => {
    const { events, kind } = value as { events?: { kind: string }[]; kind?: string };
    if (kind === 'room-roster') said.push('answer');
    else if (channel.includes(':room:')) said.push(...(events ?? []).map((event) => event.kind));
    return publish(channel, value);
  };
  return said;
}

const usersOf = ({ frames }: Member): string => (followVisit(frames)?.users ?? []).join(' ');

test('who joins and parts again and again has the others asked once', async (t) => {
  const { nodes, during } = await openWorld(t, 3);
  const [a, b, c] = nodes as [Node, Node, Node];
  await during(a.join(openMember(1), name));
  await during(b.join(openMember(2), name));
  for (const { said } of nodes) said.length = 0;
  const restless = openMember(3);
  for (let n = 0; n < 20; n += 1) {
    await during(c.join(restless, name));
    t.is(usersOf(restless), 'user-1 user-2 user-3');
    c.part(restless, name);
  }
  t.is(c.said.filter((kind) => kind === 'asks').length, 1);
  t.deepEqual([a.said, b.said], [['answer'], ['answer']]);
  t.is(c.hub.size, 0);
});

test('whoever comes back finds the room as it is by now, whatever happened meanwhile', async (t) => {
  const { nodes, during, pass } = await openWorld(t, 3);
  const [a, b, c] = nodes as [Node, Node, Node];
  const [ann, bob, cid, dan] = [openMember(1), openMember(2), openMember(3), openMember(4)];
  await during(a.join(ann, name));
  await during(c.join(cid, name));
  await during(b.join(bob, name));
  b.part(bob, name);
  c.part(cid, name);
  await during(a.say(ann, name, 'while Bob is away'));
  await during(c.join(dan, name));
  a.relay(ann, name, 'wave');
  const moved = await during(a.moveHere(dan, c, 2));
  await during(b.join(bob, name));
  t.is(b.said.filter((kind) => kind === 'asks').length, 1);
  t.is(usersOf(bob), 'user-1 user-2 user-4');
  t.is(followVisit(bob.frames)?.last, 1);
  await during(a.say(moved, name, 'to all'));
  await pass(1_000);
  t.is(followVisit(bob.frames)?.last, 2);
  t.is(usersOf(ann), 'user-1 user-2 user-4');
});

test('a node that dies and a room that gets another name take their members out of a room that lingers', async (t) => {
  const { nodes, room, during, pass } = await openWorld(t, 3);
  const [a, b, c] = nodes as [Node, Node, Node];
  const [ann, bob, cid] = [openMember(1), openMember(2), openMember(3)];
  await during(a.join(ann, name));
  await during(c.join(cid, name));
  await during(b.join(bob, name));
  b.part(bob, name);
  for (const { hub } of [a, b]) hub.nodeGone(c.id);
  await pass(1_000);
  t.deepEqual(b.hub.get(room)?.usernames(), ['user-1']);
  await during(b.join(bob, name));
  t.is(usersOf(bob), 'user-1 user-2');
  b.part(bob, name);
  const epoch = b.directory.get(room)?.epoch ?? '';
  for (const { hub, directory } of [a, b]) {
    hub.disband(room);
    directory.put({ id: room, name: 'others', topic: '', epoch });
  }
  t.is(b.hub.get(room), undefined);
  await during(b.join(bob, 'others'));
  t.is(usersOf(bob), 'user-2');
});

test('a node that was marked dead keeps no room, and asks anew', async (t) => {
  const { nodes, room, during } = await openWorld(t, 2);
  const [a, b] = nodes as [Node, Node];
  const bob = openMember(2);
  await during(a.join(openMember(1), name));
  await during(b.join(bob, name));
  b.part(bob, name);
  b.restart('b-again');
  t.is(b.hub.get(room), undefined);
  await during(b.join(bob, name));
  t.is(usersOf(bob), 'user-1 user-2');
  t.is(b.said.filter((kind) => kind === 'asks').length, 2);
});

test('a room that was left is dropped after a while', async (t) => {
  const { nodes, room, during, pass } = await openWorld(t, 2);
  const [a, b] = nodes as [Node, Node];
  const bob = openMember(2);
  await during(a.join(openMember(1), name));
  await during(b.join(bob, name));
  b.part(bob, name);
  await pass(5_000);
  await during(b.join(bob, name));
  // In it, it is not left any more.
  await pass(longMs);
  t.is(b.hub.size, 1);
  b.part(bob, name);
  await pass(5_000);
  t.not(b.hub.get(room), undefined);
  await pass(longMs);
  t.is(b.hub.get(room), undefined);
  a.said.length = 0;
  await during(b.join(bob, name));
  t.deepEqual(a.said, ['answer']);
});

test('a message that was lost unnoticed is found within ten seconds, and at once where the node knows of a loss', async (t) => {
  const { nodes, hears, looks, lose, during, pass } = await openWorld(t, 2);
  const [a, b] = nodes as [Node, Node];
  const [ann, bob] = [openMember(1), openMember(2)];
  await during(a.join(ann, name));
  await during(b.join(bob, name));
  await pass(10_000);
  await b.hub.look();
  looks.length = 0;
  lose();
  await during(a.say(ann, name, 'lost'));
  for (let n = 0; n < 19; n += 1) {
    await pass(500);
    await b.hub.look();
  }
  t.deepEqual(looks, []);
  t.is(followVisit(bob.frames)?.last, 0);
  await pass(500);
  await b.hub.look();
  await pass(500);
  t.deepEqual(looks, [1]);
  t.is(followVisit(bob.frames)?.last, 1);
  hears.all = false;
  lose();
  await during(a.say(ann, name, 'lost as well'));
  await b.hub.look();
  await pass(500);
  t.deepEqual(looks, [1, 1]);
  t.is(followVisit(bob.frames)?.last, 2);
});

test('rooms in doubt are compared with each look', async (t) => {
  const { nodes, room, lose, during, pass } = await openWorld(t, 2);
  const [a, b] = nodes as [Node, Node];
  const [ann, bob] = [openMember(1), openMember(2)];
  await during(a.join(ann, name));
  await during(b.join(bob, name));
  lose();
  await during(a.say(ann, name, 'lost'));
  b.hub.doubt([room]);
  await b.hub.look();
  await pass(500);
  t.is(followVisit(bob.frames)?.last, 1);
});
