/** A node that stops waits until its sessions have gone on elsewhere, and nobody sees that they have. */
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { sessionsPerTurn } from '../../src/core/chat.ts';
import { waitUntil } from '../support/bus-world.ts';
import { type ChatNode, openChatNodes } from '../support/chat-nodes.ts';
import { faultsOf, gather, partsOf, talk } from '../support/gathering.ts';
import type { NodeClient } from '../support/node-client.ts';

type Two = [ChatNode, ChatNode];

const deadlineMs = 10_000;

/** Whether it is over. */
function watch(work: Promise<void>): { isOver: boolean } {
  const state = { isOver: false };
  void work.then(() => (state.isOver = true));
  return state;
}

test('a node that stops tells its clients when to come, closes, and is done when the last of them has gone on elsewhere', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob, cid] = (await gather(world, { ann: a, bob: b, cid: a })) as [NodeClient, NodeClient, NodeClient];
  ann.send({ type: 'message', room_name: 'friends', body: 'on its way', ref: 'r' });
  const closing = a.chat.close(deadlineMs);
  const state = watch(closing);
  await waitUntil(() => ann.ended.length > 0 && cid.ended.length > 0, 'closed');
  t.deepEqual([ann.ended, cid.ended], [['restarting'], ['restarting']]);
  for (const one of [ann, cid]) {
    const { reconnect_in: ms } = one.frames.find(({ code }) => code === 'server-closing') ?? {};
    t.true(typeof ms === 'number' && ms >= 500, 'when to come back');
  }
  t.true(
    ann.frames.some(({ ref }) => ref === 'r'),
    'what was on its way has its outcome',
  );
  await talk(bob, 'meanwhile', bob);
  t.true(await ann.come(b.chat));
  t.true(ann.isResumed);
  await waitUntil(() => a.chat.sessions.size === 1, 'one has gone');
  t.false(state.isOver);
  t.true(await cid.come(b.chat));
  t.true(cid.isResumed);
  await closing;
  await talk(ann, 'here', ann, bob, cid);
  t.deepEqual(partsOf(ann, bob, cid), []);
  t.is(ann.room('friends').messages.size, 3);
  t.deepEqual(faultsOf(world, ann, bob, cid), []);
});

test('what is sent to a node that is about to stop takes effect on the next one', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  const closing = a.chat.close(deadlineMs);
  ann.send({ type: 'message', room_name: 'friends', body: 'late', ref: 'late' });
  ann.send({ type: 'custom', room_name: 'friends', command: 'late', payload: 'late' });
  await waitUntil(() => ann.ended.length > 0, 'closed');
  t.false(ann.frames.some(({ type }) => type === 'error'));
  t.true(await ann.come(b.chat));
  await closing;
  await waitUntil(() => [ann, bob].every(({ frames }) => frames.some(({ code }) => code === 'custom')), 'both see it');
  t.like(
    ann.frames.find(({ body }) => body === 'late'),
    { you: true, ref: 'late' },
  );
  t.is(bob.frames.filter(({ body }) => body === 'late').length, 1);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('clients are asked to come back while their sessions still wait for them', async (t) => {
  for (const [stopMs, sessionGrace] of [
    [600, 30],
    [deadlineMs, 0.6],
  ] as const) {
    const world = await openChatNodes(t, 2, { settings: { sessionGrace } });
    const [a] = world.nodes as Two;
    const clients = await gather(world, { ann: a, bob: a, cid: a });
    await world.during(a.chat.close(stopMs));
    for (const { frames } of clients) {
      const { reconnect_in: ms } = frames.find(({ code }) => code === 'server-closing') ?? {};
      t.true(typeof ms === 'number' && ms >= 300 && ms <= 450, String(ms));
    }
  }
});

test('who does not come in time parts, once, for everybody to see', async (t) => {
  for (const how of ['deadline', 'grace', 'no resume'] as const) {
    const world = await openChatNodes(t, 2, { settings: { sessionGrace: how === 'grace' ? 1 : 30 } });
    const [a, b] = world.nodes as Two;
    const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
    if (how === 'no resume') {
      t.true(await ann.come(a.chat, { cursor: undefined, resumable: false, takeover: true }));
      ann.send({ type: 'join', room_name: 'friends' });
      await waitUntil(() => bob.frames.filter(({ code }) => code === 'joined').length > 1, 'there again');
    }
    const before = partsOf(bob).length;
    const began = world.clock.now();
    const work = a.chat.close(deadlineMs);
    await (how === 'no resume' ? work : world.during(work));
    const tookMs = world.clock.now() - began;
    t.true(how === 'deadline' ? tookMs >= deadlineMs : tookMs < deadlineMs, `${how}: ${tookMs} ms`);
    await waitUntil(() => partsOf(bob).length > before, 'parted');
    t.deepEqual(partsOf(bob).slice(before), ['ann']);
    t.true(await world.during(ann.come(b.chat)), how);
    t.false(ann.isResumed);
    await talk(bob, 'hello', bob);
    t.is(partsOf(bob).length, before + 1);
    t.deepEqual(bob.faults, [], how);
  }
});

test('a node that stops takes in no session, and sends away whoever comes', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  const closing = a.chat.close(deadlineMs);
  await waitUntil(() => ann.ended.length > 0, 'closed');
  const dan = await world.client('dan');
  for (const client of [dan, ann, bob.twin()]) {
    const cursor = client === dan ? undefined : `${(client === ann ? ann : bob).session}.1`;
    t.false(await client.come(a.chat, { cursor }));
    t.is(client.ended.at(-1), 'restarting');
  }
  t.true(await ann.come(b.chat));
  await closing;
  await talk(ann, 'hello', ann, bob);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('a session that is sent away while its node stops is gone, and its node does not wait for it', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  const closing = a.chat.close(deadlineMs);
  await waitUntil(() => ann.ended.length > 0, 'closed');
  const user = await world.storage.users.findByName('ann');
  await world.storage.users.kick(user?.id ?? 0);
  await closing;
  await waitUntil(() => partsOf(bob).length > 0, 'parted');
  t.deepEqual(partsOf(bob), ['ann']);
});

test('a node that is alone does not wait: nobody is told of anybody’s part', async (t) => {
  const world = await openChatNodes(t, 1);
  const [a] = world.nodes as [ChatNode];
  const [ann, bob] = (await gather(world, { ann: a, bob: a })) as [NodeClient, NodeClient];
  await a.chat.close(deadlineMs);
  t.deepEqual([ann.ended, bob.ended], [['restarting'], ['restarting']]);
  t.deepEqual(partsOf(ann, bob), []);
});

test.serial(
  'a node that stops with many sessions ends a bounded number of them at once, so that others have their turn',
  async (t) => {
    const many = sessionsPerTurn + 20;
    for (const [nodes, resumable] of [
      [2, false],
      [2, true],
      [1, true],
    ] as const) {
      const world = await openChatNodes(t, nodes, { settings: { sessionGrace: 1 } });
      const [a] = world.nodes as [ChatNode];
      const clients: NodeClient[] = [];
      for (let n = 0; n < many; n += 1) {
        const client = await world.client(`user${n}`);
        t.true(await client.come(a.chat, { resumable }));
        clients.push(client);
      }
      const state = watch(world.during(a.chat.close(1_000)));
      const ended = (): number => clients.filter((client) => client.ended.length > 0).length;
      const told = (): number =>
        clients.filter(({ frames }) => frames.some((one) => one.code === 'server-closing')).length;
      for (let before = { ended: 0, told: 0 }; !state.isOver; ) {
        await turn();
        const now = { ended: ended(), told: told() };
        t.true(now.ended - before.ended <= sessionsPerTurn, `${now.ended - before.ended} ended in a turn`);
        t.true(now.told - before.told <= sessionsPerTurn, `${now.told - before.told} told in a turn`);
        before = now;
      }
      t.is(ended(), many);
      if (resumable) t.is(told(), many);
    }
  },
);

test('a poll goes on elsewhere when its node stops, and not before', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as Two;
  const [ann, bob] = (await gather(world, { ann: a, bob: b })) as [NodeClient, NodeClient];
  ann.cut();
  t.false(await ann.come(b.chat, { kind: 'poll' }));
  t.is(ann.ended.at(-1), 'unavailable', 'it is to be passed on');
  const closing = a.chat.close(deadlineMs);
  await talk(bob, 'hello', bob);
  t.true(await ann.come(b.chat, { kind: 'poll' }));
  await closing;
  await waitUntil(() => ann.frames.some(({ body }) => body === 'hello'), 'the poll is answered');
  t.deepEqual(partsOf(bob), []);
  t.deepEqual(faultsOf(world, ann, bob), []);
});

test('nodes that stop one after the other lose nothing, and nobody sees it', async (t) => {
  const world = await openChatNodes(t, 3);
  const [a, b, c] = world.nodes as [ChatNode, ChatNode, ChatNode];
  const places = { ann: a, bob: a, cid: b, dan: b, eve: c };
  const clients = await gather(world, places);
  let said = 0;
  const speak = (): void => {
    for (const client of clients) {
      said += 1;
      client.send({ type: 'message', room_name: 'friends', body: `${client.name} ${said}`, ref: `r${said}` });
    }
  };
  for (const [stopping, next] of [
    [a, b],
    [b, c],
  ] as const) {
    speak();
    const closing = stopping.chat.close(deadlineMs);
    speak();
    const leaving = clients.filter(({ ended }) => ended.length === 0);
    await waitUntil(() => stopping.chat.sessions.size === 0 || leaving.some(({ ended }) => ended.length > 0), 'closed');
    speak();
    await waitUntil(
      () => Array.from(stopping.chat.sessions.all()).every((one) => one.transportKind === 'detached'),
      'all',
    );
    for (const client of clients) {
      if (stopping.chat.sessions.withId(client.session) === undefined) continue;
      t.true(await client.come(next.chat));
      t.true(client.isResumed);
    }
    await closing;
    speak();
  }
  const [first] = clients as [NodeClient];
  await talk(first, 'the end', ...clients);
  const size = first.room('friends').messages.size;
  for (const client of clients) t.is(client.room('friends').messages.size, size, client.name);
  t.true(size > 5 * 4);
  t.deepEqual(partsOf(...clients), []);
  t.deepEqual(faultsOf(world, ...clients), []);
});
