import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { patienceMs, until } from '../../test/support/services.ts';
import { openSessionNodes, type SessionNode } from '../../test/support/session-nodes.ts';
import { limits } from '../protocol/limits.ts';

type Two = [SessionNode, SessionNode];
type Three = [SessionNode, SessionNode, SessionNode];

test('whoever chats on one node is chatting on all: a second connection elsewhere is refused, and the first notices nothing', async (t) => {
  const { nodes, user } = await openSessionNodes(t, 2);
  const [a, b] = nodes as Two;
  const { id, token } = await user('ann');
  const first = await a.come(token);
  const second = await b.come(token);
  t.deepEqual([second.ended, second.events], [['already-chatting'], undefined]);
  t.deepEqual(first.ended, []);
  t.like(await b.claims.findByUser(id), { node: 'a', session: Array.from(a.sessions.all())[0]?.key });
  t.is(b.sessions.size, 0);
});

test('a session that shows no life gives way to a newcomer on another node, once the time for its proof is over', async (t) => {
  const { nodes, user, during, clock } = await openSessionNodes(t, 2);
  const [a, b] = nodes as Two;
  const { id, token } = await user('ann');
  const first = await a.come(token, { dead: true });
  const before = await a.claims.findByUser(id);
  const began = clock.now();
  const second = await during(b.come(token));
  t.true(clock.now() - began >= limits.proofMs);
  t.deepEqual([first.ended, second.ended], [['tooSlow'], []]);
  t.deepEqual([a.sessions.size, b.sessions.size], [0, 1]);
  const [session] = b.sessions.all();
  const after = await b.claims.findByUser(id);
  t.like(after, { node: 'b', session: session?.key, number: session?.claim });
  t.true((after?.number ?? 0) > (before?.number ?? 0));
});

test('a session whose connection is gone never keeps its user from another node', async (t) => {
  const { nodes, user } = await openSessionNodes(t, 2);
  const [a, b] = nodes as Two;
  const { token } = await user('ann');
  const first = await a.come(token, { resumable: true });
  first.events?.onClose(false);
  t.is(a.sessions.size, 1);
  const second = await b.come(token);
  t.deepEqual(second.ended, []);
  t.deepEqual([a.sessions.size, b.sessions.size], [0, 1]);
});

test('a takeover ends the session on the other node without asking for a proof, and every node knows why it ended', async (t) => {
  const { nodes, user, hub } = await openSessionNodes(t, 3);
  const [a, b, c] = nodes as Three;
  const { token } = await user('ann');
  const first = await a.come(token, { resumable: true });
  const [session] = a.sessions.all();
  const second = await b.come(token, { takeover: true });
  t.deepEqual([first.ended, second.ended], [['resumed-elsewhere'], []]);
  t.deepEqual([a.sessions.size, b.sessions.size, c.sessions.size], [0, 1, 0]);
  for (const value of [{}, { session: 's' }, { session: 's', code: 'constructor' }, { session: '', code: 'kicked' }]) {
    a.peers.tellAll('ended', value);
  }
  await hub.settle();
  for (const node of nodes) {
    const late = await node.come(token, { kind: 'poll', resumable: true, cursor: `${session?.id}.0` });
    t.deepEqual(late.ended, ['resumed-elsewhere'], node.id);
  }
  t.deepEqual((await c.come(token, { kind: 'poll', resumable: true, cursor: 's.0' })).ended, ['session-expired']);
});

test('of two newcomers on two nodes one waits for the proof of a third, and the other is refused', async (t) => {
  const { nodes, user, during } = await openSessionNodes(t, 3);
  const [a, b, c] = nodes as Three;
  const { token } = await user('ann');
  await c.come(token, { dead: true });
  const [one, other] = await during(Promise.all([a.come(token), b.come(token)]));
  t.deepEqual([...one.ended, ...other.ended], ['already-chatting']);
  t.is(a.sessions.size + b.sessions.size + c.sessions.size, 1);
});

test('a session that leaves keeps nobody away, however long its last message takes to be stored', async (t) => {
  const { nodes, user, hub } = await openSessionNodes(t, 3);
  const [a, b, c] = nodes as Three;
  const { token } = await user('ann');
  await a.come(token);
  const [session] = a.sessions.all();
  const settled = session?.beginAppend();
  const first = b.come(token, { takeover: true, dead: true });
  void first.then(({ events }) => events?.onClose(true));
  await until(patienceMs, async () => {
    if (session?.isOpen !== false) throw new Error('Nobody has asked yet.');
  });
  const second = c.come(token);
  await hub.settle();
  settled?.();
  const ends = [...(await first).ended, ...(await second).ended];
  t.false(ends.includes('already-chatting'), ends.join());
});

test('without a bus a dead session still gives way: the question goes through the store', async (t) => {
  const { nodes, user, during, hub } = await openSessionNodes(t, 2);
  const [a, b] = nodes as Two;
  const { token } = await user('ann');
  const first = await a.come(token, { resumable: true });
  first.events?.onClose(false);
  hub.break();
  const second = await during(b.come(token));
  t.deepEqual(second.ended, []);
  t.deepEqual([a.sessions.size, b.sessions.size], [0, 1]);
});

test('without a bus a living session stays, and the newcomer is told to come again: never that the user is chatting', async (t) => {
  const { nodes, user, during, hub } = await openSessionNodes(t, 2);
  const [a, b] = nodes as Two;
  const { token } = await user('ann');
  const first = await a.come(token);
  hub.break();
  const second = await during(b.come(token));
  t.deepEqual([first.ended, second.ended], [[], ['unavailable']]);
  t.deepEqual([a.sessions.size, b.sessions.size], [1, 0]);
});

test('an owner that is silent keeps its user until its lease is over', async (t) => {
  const { nodes, user, during, storage, clock } = await openSessionNodes(t, 2);
  const [a, b] = nodes as Two;
  const { id, token } = await user('ann');
  await a.come(token);
  // As one that stands still: it hears nothing, and reads no changes.
  a.sessions.giveWay = () => new Promise(() => {});
  const began = clock.now();
  const early = await during(b.come(token));
  t.deepEqual(early.ended, ['unavailable']);
  // It is not asked once more through the store: its client waits for the proof, and for the way, and no longer.
  t.true(clock.now() - began < limits.proofMs + 3000, `${clock.now() - began} ms`);
  // Another one is under way when the node is marked dead.
  const late = b.come(token);
  await storage.nodes.leave('a');
  t.deepEqual((await during(late)).ended, []);
  t.like(await b.claims.findByUser(id), { node: 'b' });
});

test('what another node asks in a wrong form, or asked long ago, ends no session', async (t) => {
  const { nodes, user, clock } = await openSessionNodes(t, 2);
  const [a, b] = nodes as Two;
  const { id, token } = await user('ann');
  await a.come(token, { dead: true });
  const [session] = a.sessions.all();
  const key = session?.key ?? '';
  for (const question of [
    {},
    { userId: id, session: key },
    { userId: String(id), session: key, takeover: true },
    { userId: id, session: { key }, takeover: true },
    { userId: id, session: key, takeover: 1 },
  ]) {
    await t.throwsAsync(b.peers.ask('a', 'prove', question), { name: 'NodeSilent' });
  }
  a.owners.heard({ kind: 'session-asked', user: { id }, session: key, takeover: true, at: clock.now() - 60_000 });
  await turn();
  t.is(session?.isOpen, true);
  a.owners.heard({ kind: 'session-asked', user: { id }, session: key, takeover: true, at: clock.now() });
  await until(patienceMs, async () => {
    if (a.sessions.size > 0) throw new Error('The session is still there.');
  });
  t.pass();
});
