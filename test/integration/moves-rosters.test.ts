/** Who is in a room travels with a session only where its nodes know different users; it sees who came and went, once. */
import test, { type ExecutionContext } from 'ava';
import type { MemberState } from '../../src/core/member-state.ts';
import { waitUntil } from '../support/bus-world.ts';
import { type ChatNode, type ChatNodes, openChatNodes } from '../support/chat-nodes.ts';
import { faultsOf, gather, partsOf, talk } from '../support/gathering.ts';
import type { NodeClient } from '../support/node-client.ts';

type Four = [NodeClient, NodeClient, NodeClient, NodeClient];

type RosterWorld = {
  world: ChatNodes;
  nodes: [ChatNode, ChatNode, ChatNode];
  /** What sessions carried of their rooms. */
  carried: MemberState[];
  /** Runs once when a session is to be claimed by its new node: it was exported, and is in none of its rooms yet. */
  onTake: { run: () => Promise<void> };
};

const join = { type: 'join', room_name: 'friends' };
const part = { type: 'part', room_name: 'friends' };

async function openWorld(t: ExecutionContext): Promise<RosterWorld> {
  const carried: MemberState[] = [];
  const onTake = { run: async (): Promise<void> => {} };
  const world = await openChatNodes(t, 3, {
    wrapBus: (bus) => ({
      isHealthy: () => bus.isHealthy(),
      get isAlone() {
        return bus.isAlone;
      },
      subscribe: (channel, handle) => bus.subscribe(channel, handle),
      onRestored: (listener) => bus.onRestored(listener),
      close: () => bus.close(),
      publish(channel, value) {
        const { value: answer } = value as { value?: { status?: string; rooms: MemberState[] } };
        if (answer?.status === 'comes') carried.push(...answer.rooms);
        return bus.publish(channel, value);
      },
    }),
    wrapClaims: (claims) => ({
      ...claims,
      async take(request, over) {
        const { run } = onTake;
        if (over?.session === request.session) {
          onTake.run = async () => {};
          await run();
        }
        return claims.take(request, over);
      },
    }),
  });
  return { world, nodes: world.nodes as [ChatNode, ChatNode, ChatNode], carried, onTake };
}

/** Who is in the room, as a node knows it. */
async function knownTo({ chat }: ChatNode, { storage }: ChatNodes): Promise<string> {
  return (await chat.hub.memberNames((await storage.rooms.findByName('friends'))?.id ?? 0)).join();
}

test('a session takes no list of members along to a node that knows them', async (t) => {
  const { world, nodes, carried } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob, cid] = (await gather(world, { ann: a, bob: b, cid: a })) as [NodeClient, NodeClient, NodeClient];
  // Nobody on `c` is in the room: it asks the others before it asks for the session.
  for (const { chat } of [b, c, a]) {
    t.true(await ann.come(chat));
    t.true(ann.isResumed);
    await talk(ann, `at ${carried.length}`, ann, bob, cid);
  }
  t.deepEqual(
    carried.map(({ users }) => users),
    [undefined, undefined, undefined],
  );
  t.deepEqual(partsOf(ann, bob, cid), []);
  t.deepEqual([...ann.room('friends').roster], ['ann', 'bob', 'cid']);
  t.deepEqual(faultsOf(world, ann, bob, cid), []);
});

test('who comes and goes between the answer of its owner and its arrival is shown to it once', async (t) => {
  const { world, nodes, carried, onTake } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob, cid, dan] = (await gather(world, { ann: a, bob: b, cid: c, dan: a })) as Four;
  const eve = await world.client('eve');
  t.true(await eve.come(b.chat));
  onTake.run = async () => {
    eve.send(join);
    for (const one of [bob, cid]) one.send(part);
    await waitUntil(async () => (await knownTo(b, world)) === 'ann,dan,eve', 'they came and went');
    bob.send(join);
    await waitUntil(async () => (await knownTo(b, world)) === 'ann,bob,dan,eve', 'one of them is back');
  };
  t.true(await world.during(ann.come(b.chat)));
  t.true(ann.isResumed);
  await talk(dan, 'here', ann, bob, dan);
  t.is(carried.at(-1)?.users, undefined);
  t.deepEqual([...ann.room('friends').roster].toSorted(), ['ann', 'bob', 'dan', 'eve']);
  t.deepEqual(partsOf(ann), ['cid']);
  t.deepEqual(faultsOf(world, ann, bob, cid, dan, eve), []);
});

test('where its owner has seen somebody go meanwhile the list travels, and nobody is shown to go twice', async (t) => {
  const { world, nodes, carried } = await openWorld(t);
  const [a, b] = nodes;
  const [ann, bob, cid] = (await gather(world, { ann: a, bob: b, cid: a })) as [NodeClient, NodeClient, NodeClient];
  const readChanges = a.chat.readChanges.bind(a.chat);
  // The owner has got the question, and has not exported the session.
  a.chat.readChanges = async () => {
    cid.send(part);
    await waitUntil(async () => (await knownTo(a, world)) === 'ann,bob', 'cid has left');
    return readChanges();
  };
  t.true(await world.during(ann.come(b.chat)));
  t.true(ann.isResumed);
  await talk(bob, 'here', ann, bob);
  t.deepEqual(
    carried.at(-1)?.users?.map(({ username }) => username),
    ['ann', 'bob'],
  );
  t.deepEqual(partsOf(ann, bob), ['cid', 'cid']);
  t.deepEqual(faultsOf(world, ann, bob, cid), []);
});
