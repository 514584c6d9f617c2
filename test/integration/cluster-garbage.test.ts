/** What clients send that no client should, on another node than the one that has their session. */
import test from 'ava';
import { clusterTest } from '../support/cluster-apps.ts';

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
