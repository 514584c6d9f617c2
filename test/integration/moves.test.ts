/** A session goes on on the node to which its client has come: nothing is lost, nothing comes twice, nobody sees it. */
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { waitUntil } from '../support/bus-world.ts';
import { type ChatNode, type ChatNodes, openChatNodes } from '../support/chat-nodes.ts';
import { faultsOf, gather, partsOf, talk } from '../support/gathering.ts';
import type { NodeClient } from '../support/node-client.ts';

type Two = [ChatNode, ChatNode];

test('a client goes on with its session on another node, and nobody sees it', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  await talk(ann, 'one', bob);
  ann.cut();
  await talk(bob, 'two', bob);
  t.true(await ann.come(b.chat));
  t.true(ann.isResumed);
  await talk(ann, 'three', ann, bob);
  t.deepEqual([...ann.room('friends').messages.keys()], [1, 2, 3]);
  t.deepEqual(faultsOf(world, ann, bob), []);
  await waitUntil(() => a.chat.sessions.size + a.chat.hub.size === 0, 'nothing is left where it was');
  t.deepEqual([...ann.room('friends').roster], ['ann', 'bob']);
  t.deepEqual(partsOf(bob), []);
});

test('whoever was away sees what happened on either node: commands, joins, parts, and its own messages with their refs', async (t) => {
  const world = await openChatNodes(t, 3);
  const [a, b, c] = world.nodes as [ChatNode, ChatNode, ChatNode];
  const [ann, bob, cid, dan] = (await gather(world, { ann: a, bob: b, cid: c, dan: a })) as [
    NodeClient,
    NodeClient,
    NodeClient,
    NodeClient,
  ];
  ann.isDeaf = true;
  ann.send({ type: 'message', room_name: 'friends', body: 'mine', ref: 'mine' });
  ann.send({ type: 'custom', room_name: 'friends', command: 'wave', payload: 'ann', ref: 'wave' });
  await waitUntil(() => bob.frames.some(({ code }) => code === 'custom'), 'the first command');
  ann.cut();
  for (const one of [bob, cid, dan]) {
    one.send({ type: 'custom', room_name: 'friends', command: 'wave', payload: one.name });
    one.send({ type: 'message', room_name: 'friends', body: one.name });
  }
  dan.send({ type: 'part', room_name: 'friends' });
  await waitUntil(() => bob.frames.some(({ code }) => code === 'parted'), 'the part');
  t.true(await ann.come(c.chat, { kind: 'sse' }));
  t.true(ann.isResumed);
  ann.send({ type: 'custom', room_name: 'friends', command: 'wave', payload: 'ann', ref: 'wave' });
  await talk(ann, 'done', ann, bob, cid);
  const waves = ann.frames.filter(({ code }) => code === 'custom').map(({ payload }) => payload);
  t.deepEqual(
    waves.map(String).toSorted((one, other) => one.localeCompare(other)),
    ['ann', 'bob', 'cid', 'dan'],
  );
  t.is(bob.frames.filter(({ payload }) => payload === 'ann').length, 1, 'its ref is known on the other node');
  t.like(
    ann.frames.find(({ body }) => body === 'mine'),
    { you: true, ref: 'mine' },
  );
  t.like(
    ann.frames.find(({ payload }) => payload === 'ann'),
    { you: true, ref: 'wave' },
  );
  t.is(ann.room('friends').messages.size, 5);
  t.deepEqual(partsOf(ann), ['dan']);
  t.deepEqual(partsOf(bob, cid), ['dan', 'dan']);
  t.deepEqual(faultsOf(world, ann, bob, cid, dan), []);
});

test('a connection that the session is still attached to is told, and nothing more is read from it', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  const former = ann.line();
  t.true(await ann.come(b.chat));
  t.true(ann.isResumed);
  t.deepEqual(ann.ended, ['resumed-elsewhere']);
  former?.receive(JSON.stringify({ type: 'message', room_name: 'friends', body: 'too late' }), 10);
  await talk(ann, 'here', ann, bob);
  t.is(ann.room('friends').messages.size, 1);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('a cursor from which its session cannot go on disturbs nothing', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  const other = ann.twin();
  for (const cursor of [`${ann.session}.${ann.n + 1}`, `${ann.session}x.0`, 'nonsense']) {
    t.false(await world.during(other.come(b.chat, { cursor })), cursor);
    t.is(other.ended.at(-1), 'already-chatting', cursor);
  }
  await talk(ann, 'still here', ann, bob);
  t.deepEqual(ann.ended, []);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('whoever comes too often is sent away, and its session stays', async (t) => {
  const world = await openChatNodes(t, 2, { settings: { rateLimits: true } });
  const [a, b] = world.nodes as Two;
  const [ann] = (await gather(world, { ann: a })) as [NodeClient];
  const other = ann.twin();
  await waitUntil(async () => {
    // A second of the clock may begin in between: then it moves, and the other node is flooded.
    const [here, there] = a.chat.sessions.withId(ann.session) === undefined ? [b, a] : [a, b];
    const session = here.chat.sessions.withId(ann.session);
    for (let n = 0; n < limits.rawFramesPerSecond; n += 1) session?.mayResume();
    return !(await other.come(there.chat, { cursor: `${ann.session}.${ann.n}` }));
  }, 'sent away');
  t.is(other.ended.at(-1), 'flooding');
});

test('a session that goes to and fro between nodes is held back, and stays', async (t) => {
  const world = await openChatNodes(t, 2, { settings: { rateLimits: true } });
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  let moves = 0;
  for (let there = b; await ann.come(there.chat); there = there === b ? a : b) {
    t.true(ann.isResumed);
    moves += 1;
    t.true(moves <= 3 * limits.moveBurst);
  }
  t.is(ann.ended.at(-1), 'flooding');
  t.true(moves >= 2 * limits.moveBurst);
  world.clock.advance(4_000);
  for (const { chat } of [a, b]) if (chat.sessions.withId(ann.session) !== undefined) t.true(await ann.come(chat));
  await talk(bob, 'still here', ann, bob);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('a session in no room moves, and a room that it joins there is joined once', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const ann = await world.client('ann');
  const [bob] = (await gather(world, { bob: a })) as [NodeClient];
  await ann.come(a.chat);
  ann.cut();
  t.true(await ann.come(b.chat));
  t.true(ann.isResumed);
  ann.send({ type: 'join', room_name: 'friends' });
  await talk(bob, 'hello', ann, bob);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('a session moves to and fro, and on to a third node', async (t) => {
  const world = await openChatNodes(t, 3);
  const [ann, bob] = (await gather(world, { ann: world.nodes[0], bob: world.nodes[1] })) as [NodeClient, NodeClient];
  const { session } = ann;
  for (const [step, index] of [1, 0, 2, 1, 2, 0].entries()) {
    if (index !== 2) ann.cut();
    t.true(await ann.come(world.nodes[index]!.chat, { kind: index === 1 ? 'sse' : 'websocket' }));
    await talk(ann, `step ${step}`, ann, bob);
  }
  t.is(ann.session, session);
  t.is(ann.room('friends').messages.size, 6);
  t.deepEqual(partsOf(bob), []);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('who parts as soon as it has come is gone for its former node, too', async (t) => {
  const world = await openChatNodes(t, 3);
  const [a, b, c] = world.nodes as [ChatNode, ChatNode, ChatNode];
  const [ann, bob, cid, dan] = (await gather(world, { ann: a, bob: b, cid: c, dan: a })) as [
    NodeClient,
    NodeClient,
    NodeClient,
    NodeClient,
  ];
  const session = a.chat.sessions.withId(ann.session);
  // It waits for the outcome of a message, and goes along.
  const settled = session?.beginAppend();
  ann.send({ type: 'part', room_name: 'friends' });
  const coming = ann.come(b.chat);
  await waitUntil(() => session?.isMoving === true, 'on its way');
  settled?.();
  t.true(await coming);
  await waitUntil(() => a.chat.sessions.withId(ann.session) === undefined, 'gone');
  for (const one of [bob, cid, dan]) {
    await waitUntil(() => partsOf(one).length > 0, `told to ${one.name}`);
    t.deepEqual([...one.room('friends').roster].sort(), ['bob', 'cid', 'dan']);
  }
  for (const { chat } of world.nodes) t.deepEqual(chat.hub.get(1)?.usernames(), ['bob', 'cid', 'dan']);
  t.deepEqual(faultsOf(world, ann, bob, cid, dan), []);
});

test('an outbox of a megabyte moves', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  ann.cut();
  // Quotes and letters of three bytes: what is encoded twice is longest.
  const body = '"€'.repeat(2000);
  for (let n = 0; n < 100; n += 1) bob.send({ type: 'message', room_name: 'friends', body });
  await waitUntil(() => bob.room('friends').messages.size === 100, 'said');
  t.true(await ann.come(b.chat));
  t.true(ann.isResumed);
  await talk(ann, 'done', ann, bob);
  t.is(ann.room('friends').messages.size, 101);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('a session that would be too much for the bus does not move: its client begins a new one', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  ann.cut();
  a.chat.sessions.withId(ann.session)?.push([{ bytes: Buffer.alloc(9 * 1024 * 1024, 'x') }]);
  const former = ann.session;
  t.true(await ann.come(b.chat));
  t.false(ann.isResumed);
  t.not(ann.session, former);
  t.is(a.chat.sessions.size, 0);
  ann.send({ type: 'join', room_name: 'friends' });
  await talk(bob, 'hello', ann, bob);
  t.deepEqual(partsOf(bob), ['ann']);
});

test('a kick that only the new node has read of ends the session all the same', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  const former = ann.session;
  const user = await world.storage.users.findByName('ann');
  await world.storage.users.kick(user?.id ?? 0);
  await b.chat.readChanges();
  await ann.twin().come(b.chat, { cursor: `${former}.${ann.n}` });
  t.is(a.chat.sessions.withId(former), undefined);
  t.is(b.chat.sessions.withId(former), undefined);
  t.true(ann.ended.includes('kicked'));
  await talk(bob, 'hello', bob);
  t.deepEqual(partsOf(bob), ['ann']);
});

test('who has missed more than its new node remembers gets it from the store', async (t) => {
  let hold = Promise.resolve();
  const world = await openChatNodes(t, 2, {
    // The new node learns of the claim a little later than the others go on talking.
    wrapClaims: (claims, node) =>
      node === 'a' ? claims : { ...claims, take: (...args) => hold.then(() => claims.take(...args)) },
  });
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  let go = (): void => {};
  hold = new Promise((resolve) => {
    go = resolve;
  });
  const coming = ann.come(b.chat);
  await waitUntil(() => a.chat.sessions.withId(ann.session)?.export() !== undefined, 'on its way');
  const before = limits.joinMessages * 2;
  for (let n = 0; n < before; n += 1) bob.send({ type: 'message', room_name: 'friends', body: `m${n}` });
  await waitUntil(() => bob.room('friends').messages.size === before, 'said');
  go();
  t.true(await coming);
  await talk(ann, 'done', ann, bob);
  t.is(ann.room('friends').messages.size, before + 1);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('a node of a garbled answer counts as silent, and its sessions stay', async (t) => {
  let isGarbled = true;
  const world = await openChatNodes(t, 2, {
    wrapBus: (bus, node) => ({
      ...bus,
      isAlone: false,
      isHealthy: () => bus.isHealthy(),
      subscribe: (...args) => bus.subscribe(...args),
      onRestored: (listener) => bus.onRestored(listener),
      close: () => bus.close(),
      publish: (channel, value) => {
        const isAnswer = node === 'a' && (value as { value?: { status?: string } }).value?.status === 'comes';
        return bus.publish(channel, isAnswer && isGarbled ? { ...value, value: { status: 'comes', rooms: 3 } } : value);
      },
    }),
  });
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  t.false(await world.during(ann.come(b.chat)));
  t.is(ann.ended.at(-1), 'unavailable');
  isGarbled = false;
  t.true(await world.during(ann.come(b.chat)));
  t.true(ann.isResumed);
  await talk(ann, 'hello', ann, bob);
  t.deepEqual(partsOf(bob), []);
  t.deepEqual([...ann.faults, ...bob.faults], []);
});

test('a room that is renamed or deleted while a member moves parts it once', async (t) => {
  for (const how of ['renamed', 'deleted'] as const) {
    let world: ChatNodes | undefined = undefined;
    let isDone = false;
    world = await openChatNodes(t, 2, {
      wrapClaims: (claims, node) => ({
        ...claims,
        async take(...args) {
          if (node === 'b' && args[1] !== undefined && !isDone) {
            isDone = true;
            const room = await world?.storage.rooms.findByName('friends');
            if (how === 'deleted') await world?.storage.rooms.delete(room?.id ?? 0);
            else await world?.storage.rooms.change(room?.id ?? 0, { name: 'others' }, 1);
            for (const one of world?.nodes ?? []) if (how === 'deleted' || one.id === 'b') await one.chat.readChanges();
          }
          return claims.take(...args);
        },
      }),
    });
    const [a, b] = world.nodes as Two;
    const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
    t.true(await ann.come(b.chat), how);
    t.true(ann.isResumed);
    await waitUntil(() => !ann.room('friends').isMember && !bob.room('friends').isMember, 'parted');
    t.true(isDone);
    ann.send({ type: 'join', room_name: 'news' });
    await waitUntil(() => ann.room('news').isMember, 'joined another room');
    t.deepEqual(partsOf(ann), ['ann']);
    t.deepEqual(partsOf(bob), ['bob']);
    t.deepEqual(faultsOf(world, ann, bob), []);
  }
});
