/** What clients send that no client should, on another node than the one that has their session. */
import test from 'ava';
import { clusterTest, waitUntil } from '../support/cluster-apps.ts';

clusterTest(test, 'a client message of any depth is answered alike on every node', async (t, cluster) => {
  const token = await cluster.node(0).login('alice');
  const first = await cluster.node(0).request('GET', '/poll/chat', { token });
  let { cursor } = first.body as { cursor: string };
  const depth = 30_000;
  const body = `{"type":"message","ref":"r","body":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  const answers: unknown[] = [];
  for (const index of [0, 1]) {
    const posted = await fetch(`${cluster.node(index).url}/poll/chat`, {
      method: 'POST',
      headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
      body,
    });
    t.is(posted.status, 202);
    const polled = await cluster.node(index).request('GET', `/poll/chat?cursor=${cursor}`, { token });
    const { messages, ...rest } = polled.body as { cursor: string; messages: unknown[] };
    answers.push(messages.at(-1));
    ({ cursor } = rest);
  }
  const error = { type: 'error', code: 'invalid-format', ref: 'r' };
  t.deepEqual(answers, [error, error]);
});

clusterTest(
  test,
  'a flood through another node is refused with 429, and the session goes on',
  async (t, cluster) => {
    const token = await cluster.node(0).login('alice');
    const first = await cluster.node(0).request('GET', '/poll/chat', { token });
    const { cursor } = first.body as { cursor: string };
    const post = (body: string): Promise<Response> =>
      fetch(`${cluster.node(1).url}/poll/chat`, {
        method: 'POST',
        headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
        body,
      });
    // As many as eight seconds would let through, at once.
    const much = JSON.stringify(Array.from({ length: 100 }, () => 1));
    const answers = await Promise.all(Array.from({ length: 40 }, () => post(much)));
    t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202, 429]));
    const refused = answers.find(({ status }) => status === 429);
    t.is(refused?.headers.get('retry-after'), '1');
    t.like(await refused?.json(), { type: 'error', code: 'rate-limited', details: { retry_after: 1 } });
    await waitUntil(async () => (await post('[]')).status === 202, 'it is let through again');
    t.is((await cluster.node(1).request('GET', `/poll/chat?cursor=${cursor}`, { token })).status, 200);
  },
  { env: { RATE_LIMITS: 'on' } },
);
