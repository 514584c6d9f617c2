import test from 'ava';
import { readiness } from './readiness.ts';

test('a server that stops says so before anything else, so that no balancer sends it anybody', async (t) => {
  const state = await readiness({ state: 'draining' }, { ping: () => Promise.resolve() });
  t.deepEqual(state, { ready: false, reason: 'The server is stopping.' });
});
