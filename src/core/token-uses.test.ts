import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { newTransport, openSessions, principal, request } from '../../test/support/sessions-world.ts';
import { limits } from '../protocol/limits.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './ports.ts';
import type { Sessions } from './sessions.ts';

/** Sessions whose uses of tokens are told as lists of user ids, one for each write. */
function openRecorded(): {
  sessions: Sessions;
  come: (first: number, last: number) => Promise<void>;
  /** What is written when that was called. `sweep`: a minute later; `gather`: when those who came have been gathered. */
  written: (what: 'sweep' | 'gather') => Promise<number[][]>;
  due: { sweep: (() => void)[]; gather: (() => void)[] };
  store: { isAway: boolean; most: number };
} {
  const due: { sweep: (() => void)[]; gather: (() => void)[] } = { sweep: [], gather: [] };
  const clock: Clock = {
    ...systemClock,
    after(ms, run) {
      // Heartbeats come in between.
      const list = ms > limits.pingIntervalMs ? due.sweep : due.gather;
      if (ms !== limits.pingIntervalMs) list.push(run);
      return () => list.splice(0, list.length, ...list.filter((one) => one !== run));
    },
  };
  let touched: number[][] = [];
  let underWay = 0;
  const store = { isAway: false, most: 0 };
  const sessions = openSessions(
    {
      authenticate: (token) =>
        Promise.resolve({ ...principal, user: { ...principal.user, id: Number(token), username: token } }),
      async touch(principals) {
        underWay += 1;
        store.most = Math.max(store.most, underWay);
        await turn();
        underWay -= 1;
        touched.push(principals.map(({ user }) => user.id));
        if (store.isAway) throw new Error('away');
      },
    },
    clock,
  );
  return {
    sessions,
    due,
    store,
    async come(first, last) {
      for (let id = first; id <= last; id++) {
        await sessions.open(newTransport().transport, { ...request, credentials: { kind: 'token', token: `${id}` } });
      }
    },
    async written(what) {
      touched = [];
      for (const run of due[what].splice(0)) run();
      for (let turns = 0; turns < 10; turns++) await turn();
      return touched;
    },
  };
}

const numbers = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

test('uses of tokens by those who come are gathered, and recorded when the server closes', async (t) => {
  const { sessions, come, written } = openRecorded();
  await come(1, 3);
  t.deepEqual(await written('gather'), [[1, 2, 3]]);
  t.deepEqual(await written('gather'), []);
  await come(4, 4);
  t.deepEqual(await written('gather'), [[4]]);
  await come(5, 6);
  sessions.close();
  t.deepEqual(await written('gather'), [[5, 6]]);
});

test('uses of tokens are recorded one write after the other, after a failure not before the next sweep, and not when closed', async (t) => {
  const { sessions, come, written, due, store } = openRecorded();
  await come(1, 250);
  const all = [numbers(1, 100), numbers(101, 200), numbers(201, 250)];
  t.deepEqual(await written('gather'), all);
  t.deepEqual(await written('sweep'), all);
  t.is(store.most, 1);
  store.isAway = true;
  t.deepEqual(await written('sweep'), [numbers(1, 100)]);
  store.isAway = false;
  t.deepEqual(await written('sweep'), all);
  sessions.close();
  t.deepEqual(await written('sweep'), []);
  t.deepEqual(due.sweep, []);
});
