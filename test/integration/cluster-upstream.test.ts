/** POST, DELETE and polls through any node of a cluster: they reach the session where it lives. */
import test from 'ava';
import { startBalancer } from '../support/balancer.ts';
import { clusterTest, readLog, waitUntil } from '../support/cluster-apps.ts';
import { openRawClient, type RawFrame } from '../support/raw-client.ts';
import { fetchAnswer, type HttpAnswer } from '../support/raw-http.ts';

const room_name = 'friends';
const join = { type: 'join', room_name };

/** Ids of the messages, as they came. */
function story(frames: readonly RawFrame[]): (number | undefined)[] {
  return frames.filter(({ code }) => code === 'message').map(({ id }) => id);
}

for (const transport of ['sse', 'poll'] as const) {
  clusterTest(test, `POST and DELETE reach the session through any node (${transport})`, async (t, cluster) => {
    const token = await cluster.node(0).login('alice');
    const bob = await cluster.node(1).chat('bob');
    await bob.ask(join, { code: 'joined', you: true });
    const alice = await cluster.node(0).chat('alice', { token, transport });
    await alice.ask(join, { code: 'joined', you: true });
    const call = (node: number, method: string, query: string, body?: unknown): Promise<HttpAnswer> =>
      fetchAnswer(new URL(`/${transport}/chat?token=${token}${query}`, cluster.node(node).url), {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    for (const n of numbers) {
      const { status, body } = await call(n, 'POST', '', { type: 'message', room_name, body: `${n}` });
      t.is(status, 202, JSON.stringify(body));
    }
    await bob.next({ code: 'message', body: '29' });
    const bodies = bob.frames.filter(({ code }) => code === 'message').map(({ body }) => body);
    t.deepEqual(bodies, numbers.map(String));
    const { status: many } = await call(1, 'POST', '', [{ type: 'list', ref: 'a' }, 7, { type: 'list', ref: 'b' }]);
    t.is(many, 202);
    t.is((await alice.next({ ref: 'a' })).code, 'list');
    t.is((await alice.next(() => true)).code, 'invalid-format');
    t.is((await alice.next({ ref: 'b' })).code, 'list');
    t.is((await call(1, 'POST', '', '{')).status, 400);
    const session = (alice.cursor ?? '').split('.')[0];
    t.is((await call(1, 'POST', `&session=${session}`, [])).status, 202);
    const wrong = await call(1, 'POST', '&session=another', []);
    t.deepEqual([wrong.status, wrong.body], [409, { type: 'error', code: 'not-connected' }]);
    const other = await cluster.node(1).login('alice');
    const beside = await fetchAnswer(new URL(`/${transport}/chat?token=${other}`, cluster.node(1).url), {
      method: 'POST',
      body: '[]',
    });
    t.is(beside.status, 409, 'a session is spoken to with the token that it is attached with');
    t.is((await call(1, 'DELETE', '')).status, 204);
    await alice.closed;
    await bob.next({ code: 'parted', user: 'alice' });
    for (const node of [0, 1]) t.is((await call(node, 'POST', '', [])).status, 409);
  });
}

clusterTest(
  test,
  'a poll is answered through any node, and its session stays where it was opened',
  async (t, cluster) => {
    type Answer = { cursor: string; messages: RawFrame[] };
    const token = await cluster.node(0).login('alice');
    const bob = await cluster.node(1).chat('bob');
    await bob.ask(join, { code: 'joined', you: true });
    const at = await Promise.all(
      cluster.nodes.map(({ url }) => openRawClient(t, url, { transport: 'poll', token, byHand: true })),
    );
    const poll = async (node: number, query: { cursor?: string; wait?: string }): Promise<Answer> => {
      const { status, body } = (await at[node]?.poll(query)) ?? {};
      if (status !== 200) throw new Error(`A poll was answered ${status}: ${JSON.stringify(body)}`);
      return body as Answer;
    };
    let { cursor } = await poll(0, {});
    await at[1]?.post(join);
    const got: RawFrame[] = [];
    for (let n = 0; n < 12; n++) {
      if (n > 0) bob.send({ type: 'message', room_name, body: `${n}` });
      const answer = await poll(n % 2, { cursor, wait: '5' });
      got.push(...answer.messages);
      // The same again, through the other.
      if (n === 5) t.deepEqual(await poll(0, { cursor }), answer);
      ({ cursor } = answer);
    }
    await waitUntil(async () => {
      const answer = await poll(1, { cursor, wait: '1' });
      got.push(...answer.messages);
      ({ cursor } = answer);
      return story(got).length === 11;
    }, 'all has come');
    t.deepEqual(
      story(got),
      Array.from({ length: 11 }, (_, n) => n + 1),
    );
    t.deepEqual(await poll(1, { cursor, wait: '0' }), { cursor, messages: [] });
    t.is((await at[1]?.poll({ cursor, wait: '56' }))?.status, 400);
    // The newer of two wins, wherever each came in.
    const older = at[1]?.poll({ cursor });
    await at[1]?.delivered();
    const newer = poll(0, { cursor });
    t.like(await older, { status: 409, body: { type: 'fatal', code: 'resumed-elsewhere' } });
    bob.send({ type: 'message', room_name, body: 'last' });
    t.deepEqual(story((await newer).messages), [12]);
    const gone = await at[1]?.poll({ cursor: 'unknown.1' });
    t.like(gone, { status: 410, body: { type: 'fatal', code: 'session-expired' } });
  },
);

for (const transport of ['sse', 'poll'] as const) {
  clusterTest(
    test,
    `a client behind a balancer without sticky sessions sends and hears all, in order (${transport})`,
    async (t, cluster) => {
      const urls = cluster.nodes.map((node) => node.url);
      const balancer = await startBalancer(t, urls, { patienceMs: 20_000 });
      await waitUntil(() => balancer.ready().length === urls.length, 'it has seen all nodes');
      const bob = await cluster.node(2).chat('bob');
      await bob.ask(join, { code: 'joined', you: true });
      const token = await cluster.node(0).login('alice');
      const alice = await openRawClient(t, balancer.url, { transport, token });
      await alice.next({ code: 'api-motd' });
      await alice.ask(join, { code: 'joined', you: true });
      for (let n = 0; n < 40; n++) {
        bob.send({ type: 'message', room_name, body: `bob ${n}` });
        alice.send({ type: 'message', room_name, body: `alice ${n}`, ref: `${n}` });
        if (n % 5 === 0) await alice.next({ code: 'message', ref: `${n}` });
      }
      for (const client of [alice, bob]) {
        await client.next({ code: 'message', id: 80 });
        t.deepEqual(
          story(client.frames),
          Array.from({ length: 80 }, (_, n) => n + 1),
        );
      }
      const own = alice.frames.filter(({ code, you }) => code === 'message' && you === true);
      t.deepEqual(
        own.map(({ body }) => body),
        Array.from({ length: 40 }, (_, n) => `alice ${n}`),
      );
      t.is((await readLog(cluster.node(1), token, room_name)).length, 80);
      await alice.close();
      await bob.next({ code: 'parted', user: 'alice' });
    },
    { nodes: 3 },
  );
}
