/** What a session's move comes to when nodes die on the way, somebody else comes, or the store does not answer. */
import test from 'ava';
import type { ClaimStore } from '../../src/core/cluster-ports.ts';
import { type MessageStore, StoreError } from '../../src/core/ports.ts';
import { wrapMessages } from '../support/app.ts';
import { waitUntil } from '../support/bus-world.ts';
import { type ChatNode, type ChatNodes, openChatNodes } from '../support/chat-nodes.ts';
import { faultsOf, gather, partsOf, talk, underWay } from '../support/gathering.ts';
import type { NodeClient } from '../support/node-client.ts';

type Take = ClaimStore['take'];

/** What is done around the claim of a session that comes to a node. */
type OnTake = (take: () => ReturnType<Take>, node: string) => ReturnType<Take>;

/** Three nodes; `onTake` is asked from then on. */
async function openWorld(
  t: Parameters<typeof openChatNodes>[0],
): Promise<{ world: ChatNodes; nodes: [ChatNode, ChatNode, ChatNode]; onTake: { run: OnTake } }> {
  const onTake: { run: OnTake } = { run: (take) => take() };
  const world = await openChatNodes(t, 3, {
    wrapClaims: (claims, node) => ({
      ...claims,
      take: (request, over) => {
        const take = (): ReturnType<Take> => claims.take(request, over);
        // Of a session that moves; one that begins replaces none, or another one.
        return over?.session === request.session ? onTake.run(take, node) : take();
      },
    }),
  });
  return { world, nodes: world.nodes as [ChatNode, ChatNode, ChatNode], onTake };
}

function gate(): { open: () => void; passed: Promise<void> } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

test('of two who come for one session on two nodes at once the later one has it, and all sees everything once', async (t) => {
  const { world, nodes } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  for (let round = 0; round < 30; round += 1) {
    const cursor = `${ann.session}.${ann.n}`;
    const [first, second] = [ann.twin(), ann.twin()];
    ann.cut();
    const results = await world.during(Promise.all([first.come(b.chat, { cursor }), second.come(c.chat, { cursor })]));
    t.true(results.every((isOpen, index) => isOpen || (index === 0 ? first : second).ended.length > 0));
    const places = (): number => nodes.filter(({ chat }) => chat.sessions.withId(ann.session) !== undefined).length;
    await waitUntil(() => places() === 1, 'its former owners have heard of it');
    const alive = [first, second].filter(({ ended }) => ended.length === 0);
    t.is(alive.length, 1, `round ${round}`);
    const [gone] = [first, second].filter(({ ended }) => ended.length > 0);
    t.deepEqual(gone?.ended, ['resumed-elsewhere'], `round ${round}`);
    t.true(alive[0]?.isResumed);
    t.true(await world.during(ann.come(nodes[round % 3]!.chat)));
    t.true(ann.isResumed);
    await talk(ann, `round ${round}`, ann, bob);
  }
  t.deepEqual(partsOf(bob), []);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('the owner dies before it has answered: its client comes again, and begins anew when the others know', async (t) => {
  const { world, nodes } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  ann.cut();
  world.bus.break(a.bus);
  t.false(await world.during(ann.come(b.chat)));
  t.is(ann.ended.at(-1), 'unavailable');
  await a.die();
  t.true(await world.during(ann.come(b.chat)));
  t.false(ann.isResumed);
  ann.send({ type: 'join', room_name: 'friends', since: 0 });
  await talk(bob, 'hello', ann, bob);
  t.deepEqual(partsOf(bob), ['ann']);
  t.deepEqual([...ann.faults, ...bob.faults], []);
});

test('the owner dies after it has answered: the session has come', async (t) => {
  const { world, nodes, onTake } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  await talk(bob, 'before', ann, bob);
  onTake.run = async (take) => {
    const claim = await take();
    await a.die();
    return claim;
  };
  t.true(await world.during(ann.come(b.chat)));
  t.true(ann.isResumed);
  await talk(bob, 'hello', ann, bob);
  t.deepEqual([...ann.faults, ...bob.faults], []);
  t.is(ann.room('friends').messages.size, 2);
  t.deepEqual(partsOf(ann), []);
});

test('the new node dies before it has claimed the session: it stays, and is resumed there or elsewhere', async (t) => {
  for (const where of ['the owner', 'a third node'] as const) {
    const { world, nodes, onTake } = await openWorld(t);
    const [a, b, c] = nodes;
    const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
    onTake.run = (take, node) => (node === 'b' ? new Promise<never>(() => {}) : take());
    void ann.come(b.chat);
    await underWay(a, ann);
    bob.send({ type: 'message', room_name: 'friends', body: 'meanwhile' });
    await b.die();
    t.true(await world.during(ann.come(where === 'the owner' ? a.chat : c.chat)), where);
    t.true(ann.isResumed, where);
    await talk(ann, 'done', ann, bob);
    t.is(ann.room('friends').messages.size, 2);
    t.deepEqual(partsOf(bob), []);
    t.deepEqual([...ann.faults, ...bob.faults, ...a.said, ...c.said], []);
  }
});

test('the new node dies when it has claimed the session and not told: it stays with its owner', async (t) => {
  const { world, nodes, onTake } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  onTake.run = async (take, node) => {
    const claim = await take();
    if (node !== 'b') return claim;
    await b.die();
    return new Promise<never>(() => {});
  };
  void ann.come(b.chat);
  await underWay(a, ann);
  await world.during(waitUntil(() => a.chat.sessions.withId(ann.session)?.isMoving !== true, 'it stays'));
  t.true(await world.during(ann.come(c.chat)));
  t.true(ann.isResumed);
  await talk(ann, 'done', ann, bob);
  t.deepEqual(partsOf(bob), []);
  t.deepEqual([...ann.faults, ...bob.faults, ...a.said, ...c.said], []);
});

test('the new node dies after the session has come: it parts once, and its client begins anew', async (t) => {
  const { world, nodes } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  t.true(await ann.come(b.chat));
  await waitUntil(() => a.chat.sessions.size === 0, 'moved');
  await b.die();
  await waitUntil(() => partsOf(bob).length > 0, 'parted');
  t.true(await world.during(ann.come(a.chat)));
  t.false(ann.isResumed);
  ann.send({ type: 'join', room_name: 'friends' });
  await talk(bob, 'hello', ann, bob);
  t.deepEqual(partsOf(bob), ['ann']);
  t.deepEqual([...ann.faults, ...bob.faults], []);
});

test('a node that claims too late does not have the session, and its client is not lost', async (t) => {
  const { world, nodes, onTake } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  const late = gate();
  let isFirst = true;
  onTake.run = async (take, node) => {
    if (node === 'b' && isFirst) {
      isFirst = false;
      await late.passed;
    }
    return take();
  };
  const coming = ann.come(b.chat);
  await underWay(a, ann);
  await world.during(waitUntil(() => a.chat.sessions.withId(ann.session)?.isMoving !== true, 'it stays'));
  late.open();
  t.true(await world.during(coming));
  t.true(ann.isResumed, 'it asks again');
  await talk(ann, 'done', ann, bob);
  const live = nodes.filter(({ chat }) => chat.sessions.withId(ann.session) !== undefined);
  t.deepEqual(
    live.map(({ id }) => id),
    ['b'],
  );
  t.deepEqual(partsOf(bob), []);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('only the node to which a session goes says that it has come', async (t) => {
  const { world, nodes, onTake } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  const held = gate();
  onTake.run = async (take) => {
    await held.passed;
    return take();
  };
  const coming = ann.come(b.chat);
  await underWay(a, ann);
  c.peers.tell('a', 'moved', { session: ann.session, claim: 9, ended: false });
  await world.bus.settle();
  t.true(a.chat.sessions.withId(ann.session)?.isMoving);
  held.open();
  t.true(await world.during(coming));
  await talk(ann, 'here', ann, bob);
  t.deepEqual(partsOf(bob), []);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('a newcomer who takes the place of a session that moves gets it, wherever it is by then', async (t) => {
  const { world, nodes, onTake } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  const held = gate();
  onTake.run = async (take) => {
    await held.passed;
    return take();
  };
  const coming = ann.come(b.chat);
  await underWay(a, ann);
  const other = ann.twin();
  const taking = other.come(c.chat, { takeover: true });
  held.open();
  await world.during(Promise.all([coming, taking]));
  const live = nodes
    .flatMap(({ chat }) => Array.from(chat.sessions.all()))
    .filter(({ username }) => username === 'ann');
  t.is(live.length, 1);
  t.true(other.ended.length === 0 || ann.ended.length === 0);
  await talk(bob, 'hello', bob);
  t.true(partsOf(bob).length <= 1);
  t.deepEqual(faultsOf(world, ann, bob, other), []);
});

test('what the store does not say leaves a session where it is', async (t) => {
  for (const how of ['not found', 'not claimed', 'claimed, and not said', 'claimed, and said at last'] as const) {
    let isAway = false;
    let failures = 0;
    const world = await openChatNodes(t, 2, {
      wrapClaims: (claims, node) => ({
        ...claims,
        findByUser: (id) => {
          if (isAway && node === 'b' && how === 'not found') throw new StoreError('unavailable', 'The store is away.');
          return claims.findByUser(id);
        },
        async take(request, over) {
          const isMove = isAway && node === 'b' && over?.session === request.session;
          if (isMove && how === 'not claimed') throw new StoreError('unavailable', 'The store is away.');
          const claim = await claims.take(request, over);
          failures += isMove ? 1 : 0;
          if (isMove && (how === 'claimed, and not said' || failures === 1))
            throw new StoreError('unknown', 'The connection broke.');
          return claim;
        },
      }),
    });
    const [a, b] = world.nodes as [ChatNode, ChatNode];
    const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
    isAway = true;
    const isBack = await world.during(ann.come(b.chat));
    t.is(isBack, how === 'claimed, and said at last', how);
    t.is(ann.ended.at(-1), isBack ? 'resumed-elsewhere' : 'unavailable', how);
    isAway = false;
    // Its owner finds out in some seconds.
    await world.during(waitUntil(() => a.chat.sessions.withId(ann.session)?.isMoving !== true, 'it is decided'));
    if (!isBack) t.true(await world.during(ann.come(b.chat)), how);
    t.true(ann.isResumed, how);
    await talk(ann, 'done', ann, bob);
    t.deepEqual(partsOf(bob), [], how);
    t.deepEqual([...ann.faults, ...bob.faults], [], how);
  }
});

/** On node a, what `asked` names waits until it is let go; what is asked there meanwhile, and after, does not. */
function slow(asked: 'append' | 'page'): {
  hold: { isHeld: boolean; open: () => void };
  wrap: ReturnType<typeof wrapMessages>;
} {
  const waiting = gate();
  const hold = { isHeld: false, open: waiting.open };
  const wrap = wrapMessages((messages): Partial<MessageStore> => {
    const wait = async (): Promise<void> => (hold.isHeld ? waiting.passed : undefined);
    return asked === 'append'
      ? { append: (...args) => wait().then(() => messages.append(...args)) }
      : { page: (...args) => wait().then(() => messages.page(...args)) };
  });
  return { hold, wrap };
}

test('what the client has sent gets its outcome before its session goes, and what waits goes with it', async (t) => {
  const { hold, wrap } = slow('append');
  const world = await openChatNodes(t, 2, { wrapStorage: (storage, node) => (node === 'a' ? wrap(storage) : storage) });
  const [a, b] = world.nodes as [ChatNode, ChatNode];
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  hold.isHeld = true;
  ann.send({ type: 'message', room_name: 'friends', body: 'one', ref: 'one' });
  // It waits for the outcome of the message, and the next message for it.
  ann.send({ type: 'join', room_name: 'news' });
  ann.send({ type: 'message', room_name: 'news', body: 'two', ref: 'two' });
  const coming = ann.come(b.chat);
  await underWay(a, ann);
  hold.open();
  t.true(await coming);
  await waitUntil(() => ann.frames.some(({ ref }) => ref === 'two'), 'both have their outcomes');
  t.like(
    ann.frames.find(({ body }) => body === 'one'),
    { ref: 'one', you: true, id: 1 },
  );
  t.like(
    ann.frames.find(({ body }) => body === 'two'),
    { ref: 'two', you: true, id: 1 },
  );
  await talk(ann, 'three', ann, bob);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('a session whose messages get no outcome in time stays; its client comes again and has them once', async (t) => {
  const { hold, wrap } = slow('append');
  const world = await openChatNodes(t, 2, { wrapStorage: (storage, node) => (node === 'a' ? wrap(storage) : storage) });
  const [a, b] = world.nodes as [ChatNode, ChatNode];
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  hold.isHeld = true;
  ann.send({ type: 'message', room_name: 'friends', body: 'one', ref: 'one' });
  t.false(await world.during(ann.come(b.chat)));
  t.is(ann.ended.at(-1), 'unavailable');
  hold.open();
  t.true(await world.during(ann.come(b.chat)));
  t.true(ann.isResumed);
  await talk(ann, 'two', ann, bob);
  t.deepEqual(
    [...ann.room('friends').messages.values()].map(({ body }) => body),
    ['one', 'two'],
  );
  t.deepEqual([...ann.faults, ...bob.faults], []);
});

test('a join that is under way ends before the session goes', async (t) => {
  const { hold, wrap } = slow('page');
  const world = await openChatNodes(t, 2, { wrapStorage: (storage, node) => (node === 'a' ? wrap(storage) : storage) });
  const [a, b] = world.nodes as [ChatNode, ChatNode];
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  bob.send({ type: 'join', room_name: 'news' });
  for (let n = 0; n < 80; n += 1) bob.send({ type: 'message', room_name: 'news', body: `m${n}` });
  await waitUntil(() => bob.room('news').messages.size === 80, 'said');
  hold.isHeld = true;
  ann.send({ type: 'join', room_name: 'news', since: 1 });
  const coming = ann.come(b.chat);
  await underWay(a, ann);
  hold.open();
  t.true(await coming);
  await waitUntil(() => ann.room('news').isMember, 'joined');
  bob.send({ type: 'message', room_name: 'news', body: 'after' });
  await waitUntil(() => ann.room('news').messages.has(81), 'heard');
  t.deepEqual([...ann.room('news').roster].sort(), ['ann', 'bob']);
  t.deepEqual([...bob.room('news').roster].sort(), ['ann', 'bob']);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('a room that cannot be read on the way ends the session: it parts once, and its client begins anew', async (t) => {
  const { world, nodes, onTake } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  onTake.run = async (take, node) => {
    const claim = await take();
    const room = b.chat.hub.get((await world.storage.rooms.findByName('friends'))?.id ?? 0);
    // More happens in the room than is held for whoever comes.
    if (node === 'b' && room !== undefined) room.importMember = () => Promise.reject(new StoreError('busy', 'Held.'));
    return claim;
  };
  t.false(await world.during(ann.come(b.chat)));
  t.is(ann.ended.at(-1), 'unavailable');
  await world.during(waitUntil(() => partsOf(bob).length > 0, 'parted'));
  t.true(await world.during(ann.come(c.chat)));
  t.false(ann.isResumed);
  ann.send({ type: 'join', room_name: 'friends' });
  await talk(bob, 'hello', ann, bob);
  t.deepEqual(partsOf(bob), ['ann']);
  t.deepEqual([...ann.faults, ...bob.faults], []);
});

test('who is sent away while the session moves is sent away, on whichever node it is', async (t) => {
  const { world, nodes, onTake } = await openWorld(t);
  const [a, b, c] = nodes;
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  onTake.run = async (take) => {
    const user = await world.storage.users.findByName('ann');
    await world.storage.users.kick(user?.id ?? 0);
    for (const { chat } of nodes) await chat.readChanges();
    return take();
  };
  t.false(await world.during(ann.come(b.chat)));
  t.is(ann.ended.at(-1), 'kicked');
  await world.during(waitUntil(() => partsOf(bob).length > 0, 'parted'));
  t.deepEqual(
    nodes.map(({ chat }) => Array.from(chat.sessions.all()).filter((one) => one.username === 'ann').length),
    [0, 0, 0],
  );
  t.deepEqual(partsOf(bob), ['ann']);
  t.deepEqual([...bob.faults], []);
});
