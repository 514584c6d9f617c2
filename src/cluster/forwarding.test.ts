import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { patienceMs, until } from '../../test/support/services.ts';
import { openSessionNodes, type SessionNode, type SessionNodes } from '../../test/support/session-nodes.ts';
import { hashToken } from '../core/accounts.ts';
import type { ClaimStore } from '../core/cluster-ports.ts';
import type { Answer, PollQuestion } from '../core/elsewhere.ts';
import type { Session } from '../core/session.ts';

type Two = [SessionNode, SessionNode];

const never = new AbortController().signal;

/** A session on the first node that can be resumed, of a new user. */
async function chatting(
  { nodes, user }: SessionNodes,
  name = 'ann',
): Promise<{ session: Session; tokenHash: string; token: string; id: number }> {
  const [a] = nodes as [SessionNode];
  const { id, token } = await user(name);
  await a.come(token, { kind: 'poll', resumable: true });
  const session = Array.from(a.sessions.all()).find(({ userId }) => userId === id);
  if (session === undefined) throw new Error('There is no session.');
  // Its greeting is due at the end of the turn.
  await turn();
  return { session, tokenHash: hashToken(token), token, id };
}

/** What a node answers a poll that is not too much. */
async function pollAt({ elsewhere }: SessionNode, question: PollQuestion): Promise<Answer | undefined> {
  const answer = await elsewhere.poll(question, never);
  if (answer === 'flooding') throw new Error('It was too much.');
  return answer;
}

/** The messages of a poll's answer. */
function messagesOf(body: Buffer | undefined): unknown[] {
  return (JSON.parse(String(body)) as { messages: unknown[] }).messages;
}

/** Counts how often SQL is asked for owners. */
function countLooks(): { looks: number; wrapClaims: (claims: ClaimStore) => ClaimStore } {
  const counted = {
    looks: 0,
    wrapClaims: (claims: ClaimStore): ClaimStore => ({
      ...claims,
      findByToken(tokenHash) {
        counted.looks += 1;
        return claims.findByToken(tokenHash);
      },
    }),
  };
  return counted;
}

test('client messages that come to another node are handed to the session in order, and who has none is told', async (t) => {
  const counted = countLooks();
  const all = await openSessionNodes(t, 2, counted);
  const [a, b] = all.nodes as Two;
  const { session, tokenHash } = await chatting(all);
  const cursor = `${session.id}.0`;
  for (const session of [undefined, `${cursor.split('.')[0]}`]) {
    t.is(await b.elsewhere.post({ tokenHash, session }, [{ type: 'one' }, 'two'], 30), 'done');
  }
  const answer = await pollAt(b, { tokenHash, cursor, waitMs: 0 });
  const errors = messagesOf(answer?.body).slice(1);
  const answers = [
    { type: 'error', code: 'unsupported-command', details: { type: 'one' } },
    { type: 'error', code: 'invalid-format' },
  ];
  t.deepEqual(errors, [...answers, ...answers]);
  // The owner is remembered.
  t.is(counted.looks, 1);
  t.is(await b.elsewhere.post({ tokenHash, session: 'another' }, [], 0), undefined);
  t.is(await b.elsewhere.post({ tokenHash: hashToken('x'), session: undefined }, [], 0), undefined);
  t.is(a.sessions.size, 1);
});

/** Time that stands still: what is counted by the second is counted in one, however long the test takes. */
function standStill({ clock }: SessionNodes): void {
  const now = clock.now();
  Object.assign(clock, { now: () => now });
}

test('what comes to other nodes counts against the caps of its session', async (t) => {
  const all = await openSessionNodes(t, 3);
  const [, b, c] = all.nodes as [SessionNode, SessionNode, SessionNode];
  const { tokenHash } = await chatting(all);
  standStill(all);
  const outcomes: (string | undefined)[] = [];
  const messages = Array.from({ length: 100 }, () => 1);
  for (let n = 0; n < 4; n += 1) {
    for (const node of [b, c])
      outcomes.push(await node.elsewhere.post({ tokenHash, session: undefined }, messages, 200));
  }
  t.deepEqual(outcomes, [...Array(5).fill('done'), ...Array(3).fill('flooding')]);
});

test('a flood at another node is refused there: neither the bus nor the owner has work with it', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a, b] = all.nodes as Two;
  const { session, tokenHash } = await chatting(all);
  standStill(all);
  const asked: string[] = [];
  const ask = b.peers.ask.bind(b.peers);
  b.peers.ask = (node, kind, ...rest) => {
    asked.push(kind);
    return ask(node, kind, ...rest);
  };
  const flood = async (node: SessionNode, post: readonly unknown[]): Promise<string | undefined> =>
    node.elsewhere.post({ tokenHash, session: undefined }, post, 2);
  for (let n = 0; n < 500; n += 1) t.is(await flood(b, []), 'done');
  const poll = { tokenHash, cursor: `${session.id}.0`, waitMs: 0 };
  t.is(await b.elsewhere.poll(poll, never), 'flooding');
  t.is(await flood(b, []), 'flooding');
  t.is(asked.length, 500);
  // Others are not held back, nor is who leaves.
  const bob = await chatting(all, 'bob');
  t.is(await b.elsewhere.post({ tokenHash: bob.tokenHash, session: undefined }, [], 2), 'done');
  t.is(await b.elsewhere.leave({ tokenHash, session: undefined }), 'done');
  t.is(a.sessions.size, 1);
});

test('who leaves at another node has left when that is answered', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a, b] = all.nodes as Two;
  const { session, tokenHash } = await chatting(all);
  const settled = session.beginAppend();
  let outcome: string | undefined;
  const leaving = b.elsewhere.leave({ tokenHash, session: session.id }).then((answer) => (outcome = answer));
  await until(patienceMs, async () => {
    if (session.isOpen) throw new Error('It has not heard of it.');
  });
  await all.hub.settle();
  t.is(outcome, undefined);
  settled();
  t.is(await leaving, 'done');
  t.is(a.sessions.size, 0);
  t.is(await b.elsewhere.leave({ tokenHash, session: undefined }), undefined);
});

test('a poll at another node is answered as at the owner, and the session stays where it is', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a, b] = all.nodes as Two;
  const { session, tokenHash } = await chatting(all);
  const ask = async (n: number, waitMs = 25_000) => pollAt(b, { tokenHash, cursor: `${session.id}.${n}`, waitMs });
  const first = await ask(0);
  t.like(first, { status: 200, headers: {} });
  t.like(messagesOf(first?.body), [{ code: 'api-motd' }]);
  // The same again, and then what comes.
  t.deepEqual(await ask(0), first);
  const waiting = ask(1);
  await all.hub.settle();
  session.answer({ type: 'notification', code: 'ping' });
  t.deepEqual(JSON.parse(String((await waiting)?.body)), {
    cursor: `${session.id}.2`,
    messages: [{ type: 'notification', code: 'ping' }],
  });
  t.deepEqual(JSON.parse(String((await all.during(Promise.resolve(ask(2, 500))))?.body)).messages, []);
  t.deepEqual([a.sessions.size, b.sessions.size], [1, 0]);
  // Who asks here while another waits takes its place.
  const former = ask(2);
  await all.hub.settle();
  const latter = ask(2, 0);
  t.deepEqual([(await former)?.status, (await latter)?.status], [409, 200]);
  t.is((await ask(1))?.status, 410);
  a.sessions.kickUser(session.userId);
  await all.hub.settle();
  // It is told so here, without a question.
  t.is(await ask(2), undefined);
});

test('a client whose polls are passed on shows that it lives by asking again, and hears of a takeover', async (t) => {
  const all = await openSessionNodes(t, 3);
  const [a, b, c] = all.nodes as [SessionNode, SessionNode, SessionNode];
  const { session, tokenHash, token } = await chatting(all);
  const ask = (): Promise<Answer | undefined> | undefined =>
    pollAt(b, { tokenHash, cursor: `${session.id}.1`, waitMs: 25_000 });
  await pollAt(b, { tokenHash, cursor: `${session.id}.0`, waitMs: 0 });
  const waiting = ask();
  await all.hub.settle();
  const newcomer = c.come(token);
  // It is answered at once, with nothing.
  t.deepEqual(messagesOf((await waiting)?.body), []);
  const next = ask();
  t.deepEqual((await newcomer).ended, ['already-chatting']);
  t.deepEqual((await c.come(token, { takeover: true })).ended, []);
  t.is((await next)?.status, 409);
  t.deepEqual([a.sessions.size, c.sessions.size], [0, 1]);
});

test('a poll that breaks off is over at the owner, too, and loses nothing', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [, b] = all.nodes as Two;
  const { session, tokenHash } = await chatting(all);
  const cursor = `${session.id}.1`;
  await pollAt(b, { tokenHash, cursor: `${session.id}.0`, waitMs: 0 });
  const broken = new AbortController();
  const waiting = b.elsewhere.poll({ tokenHash, cursor, waitMs: 25_000 }, broken.signal);
  await all.hub.settle();
  t.is(session.transportKind, 'poll');
  broken.abort();
  await t.throwsAsync(async () => waiting, { name: 'AbortError', any: true });
  await all.hub.settle();
  // Until the next one has had its time.
  all.clock.advance(59_000);
  t.is(session.transportKind, 'poll');
  session.answer({ type: 'notification', code: 'ping' });
  await turn();
  const next = await pollAt(b, { tokenHash, cursor, waitMs: 0 });
  t.is(messagesOf(next?.body).length, 1);
});

test('a poll that breaks off before its session is free does not take it from whoever has come for it meanwhile', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a, b] = all.nodes as Two;
  const { session, token, tokenHash } = await chatting(all);
  const cursor = `${session.id}.1`;
  const lent = await a.sessions.lend(session);
  const next = a.come(token, { resumable: true, cursor });
  const broken = new AbortController();
  const waiting = b.elsewhere.poll({ tokenHash, cursor, waitMs: 25_000 }, broken.signal);
  await all.hub.settle();
  broken.abort();
  await t.throwsAsync(async () => waiting, { name: 'AbortError', any: true });
  await all.hub.settle();
  lent?.finish();
  const { ended } = await next;
  await all.hub.settle();
  await turn();
  t.deepEqual(ended, []);
  t.is(session.transportKind, 'websocket');
});

test('a poll with another token of the user is passed on, and from then on the session is found by that one', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a, b] = all.nodes as Two;
  const { session, tokenHash, id } = await chatting(all);
  const other = hashToken((await a.accounts.createToken(id, 'other', null)).token);
  const cursor = `${session.id}.0`;
  t.is((await pollAt(b, { tokenHash: other, cursor, waitMs: 0 }))?.status, 200);
  await until(patienceMs, async () => {
    if ((await b.elsewhere.post({ tokenHash: other, session: undefined }, [], 0)) !== 'done')
      throw new Error('not found');
  });
  t.is(await b.elsewhere.post({ tokenHash, session: undefined }, [], 0), undefined);
  // Another user's token opens nothing.
  const bob = await all.user('bob');
  t.is(await pollAt(b, { tokenHash: hashToken(bob.token), cursor, waitMs: 0 }), undefined);
  t.is(await pollAt(b, { tokenHash: hashToken('none'), cursor, waitMs: 0 }), undefined);
});

test('what is for a session here is not asked of others', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a] = all.nodes as Two;
  const { session, tokenHash } = await chatting(all);
  t.is(a.elsewhere.poll({ tokenHash, cursor: `${session.id}.0`, waitMs: 0 }, never), undefined);
  t.is(a.elsewhere.poll({ tokenHash, cursor: 'no cursor', waitMs: 0 }, never), undefined);
  // A message that came a moment too early for it is handed over as well.
  t.is(await a.elsewhere.post({ tokenHash, session: undefined }, [], 0), 'done');
});

test('an owner that does not answer is not taken for one that has no session', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a, b] = all.nodes as Two;
  const { session, tokenHash, id } = await chatting(all);
  const name = { tokenHash, session: undefined };
  const cursor = `${session.id}.0`;
  all.hub.break(a.bus);
  await t.throwsAsync(all.during(b.elsewhere.post(name, [], 0)), { name: 'NodeSilent' });
  await t.throwsAsync(all.during(b.elsewhere.leave(name)), { name: 'NodeSilent' });
  await t.throwsAsync(all.during(Promise.resolve(b.elsewhere.poll({ tokenHash, cursor, waitMs: 0 }, never))), {
    name: 'NodeSilent',
  });
  t.is(await all.during(b.elsewhere.stateOf(id)), 'unknown');
  t.deepEqual(await b.elsewhere.online([id]), new Set([id]));
  // Once it is dead, its session is gone.
  await all.storage.nodes.leave('a');
  t.is(await b.elsewhere.post(name, [], 0), undefined);
  t.is(await b.elsewhere.stateOf(id), undefined);
});

test('an owner is asked once, and once more only when somebody else has the session by then', async (t) => {
  const all = await openSessionNodes(t, 3);
  const [a, b] = all.nodes as Two;
  const { session, tokenHash, id } = await chatting(all);
  const asked: string[] = [];
  const ask = b.peers.ask.bind(b.peers);
  let onAsked = async (): Promise<void> => {};
  b.peers.ask = async (node, ...rest) => {
    asked.push(node);
    await onAsked();
    return ask(node, ...rest);
  };
  all.hub.break(a.bus);
  const name = { tokenHash, session: session.id };
  await t.throwsAsync(all.during(b.elsewhere.post(name, [], 0)), { name: 'NodeSilent' });
  t.deepEqual(asked.splice(0), ['a']);
  let places = ['c'];
  onAsked = async () => {
    const former = await all.storage.claims.findByUser(id);
    const node = places.shift();
    if (former === undefined || node === undefined) return;
    await all.storage.claims.take({ userId: id, session: session.key, node, tokenHash }, former);
    if (node !== 'b') return;
    a.sessions.forget(session);
    b.sessions.adopt(session, tokenHash, 0);
  };
  t.is(await all.during(b.elsewhere.post(name, [], 0)), undefined, 'the one that has it by then knows nothing of it');
  t.deepEqual(asked.splice(0), ['a', 'c']);
  // It goes from node to node meanwhile, and comes here at last.
  places = ['a', 'b'];
  t.is(await all.during(b.elsewhere.post(name, [], 0)), 'done');
  t.deepEqual(asked, ['c', 'a']);
});

test('a session that has moved is found at its new owner, whoever was remembered', async (t) => {
  const all = await openSessionNodes(t, 3);
  const [a, b, c] = all.nodes as [SessionNode, SessionNode, SessionNode];
  const { session, tokenHash, id } = await chatting(all);
  const name = { tokenHash, session: session.id };
  t.is(await b.elsewhere.post(name, [], 0), 'done');
  const lent = await a.sessions.lend(session);
  // Until it is known where it is, it is waited for.
  let outcome: string | undefined;
  const posting = b.elsewhere.post(name, [], 0).then((answer) => (outcome = answer));
  await all.hub.settle();
  t.is(outcome, undefined);
  const former = { session: session.key, node: 'a' };
  await all.storage.claims.take({ userId: id, session: session.key, node: 'c', tokenHash }, former);
  a.sessions.forget(session);
  c.sessions.adopt(session, tokenHash, 0);
  lent?.finish();
  t.is(await posting, 'done');
  t.is((await pollAt(b, { tokenHash, cursor: `${session.id}.0`, waitMs: 0 }))?.status, 200);
});

test('an owner that stops answers no poll of another node, so that the session comes there', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a, b] = all.nodes as Two;
  const { session, tokenHash } = await chatting(all);
  const question = { tokenHash, cursor: `${session.id}.0`, waitMs: 0 };
  t.is((await pollAt(b, question))?.status, 200);
  a.sessions.close();
  t.is(await b.elsewhere.poll(question, never), undefined);
  t.true(session.isOpen);
});

test('administrators see on any node how a user chats', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a, b] = all.nodes as Two;
  const { id } = await chatting(all);
  const bob = await all.user('bob');
  const state = await b.elsewhere.stateOf(id);
  t.like(state, { transport: 'poll', rooms: [] });
  t.deepEqual(await a.elsewhere.stateOf(id), state);
  t.is(await b.elsewhere.stateOf(bob.id), undefined);
  for (const node of all.nodes) t.deepEqual(await node.elsewhere.online([id, bob.id, 99]), new Set([id]));
});

test('what another node asks or answers in a wrong form does no harm', async (t) => {
  const all = await openSessionNodes(t, 2);
  const [a, b] = all.nodes as Two;
  const { session, tokenHash, id } = await chatting(all);
  const name = { userId: id, session: session.key, tokenHash };
  for (const [kind, question] of [
    ['post', { ...name, messages: 'x', bytes: 1 }],
    ['post', { ...name, messages: [], bytes: -1 }],
    ['post', { ...name, tokenHash: { x: 1 }, messages: [], bytes: 1 }],
    ['leave', { ...name, userId: '1' }],
    ['leave', { session: session.key }],
    ['poll', { ...name, cursor: 7, waitMs: 0 }],
    ['poll', { ...name, cursor: `${session.id}.0`, waitMs: 'x' }],
    ['state', { userId: id }],
  ] as const) {
    await t.throwsAsync(b.peers.ask('a', kind, question), { name: 'NodeSilent' }, kind);
  }
  t.true(session.isOpen);
  b.peers.ask = async () => ({ outcome: 'answered', status: 200, headers: {}, body: { x: 1 } });
  await t.throwsAsync(b.elsewhere.post({ tokenHash, session: undefined }, [], 0), { name: 'NodeSilent' });
  const polled = pollAt(b, { tokenHash, cursor: `${session.id}.0`, waitMs: 0 });
  await t.throwsAsync(async () => polled, { name: 'NodeSilent' });
  t.is(a.sessions.size, 1);
});
