import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { openSessionWorld } from '../../test/support/session-world.ts';
import { AuthenticationError } from '../core/errors.ts';
import { createUpstream } from './upstream.ts';

const from = { credentials: { kind: 'token', token: 'x' }, session: undefined } as const;

test('whoever leaves hears of it once the session has left its rooms', async (t) => {
  const { session } = openSessionWorld(1000);
  const upstream = createUpstream({
    find: () => session,
    accounts: { authenticate: () => Promise.reject(new AuthenticationError('unknown')) },
  });
  // A message on its way to the log comes before the parting.
  const settled = session.beginAppend();
  let outcome: string | undefined;
  void upstream.leave(from).then((ended) => {
    outcome = ended;
  });
  await turn();
  t.is(outcome, undefined);
  settled();
  await turn();
  t.is(outcome, 'done');
});
