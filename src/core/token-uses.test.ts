import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { createStandingClock } from '../../test/support/manual-timers.ts';
import { newTransport, openSessions, principal, request } from '../../test/support/sessions-world.ts';
import { limits } from '../protocol/limits.ts';
import type { Principal } from './accounts.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './ports.ts';
import type { Sessions } from './sessions.ts';
import { watchTokens } from './token-uses.ts';

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

type Write = { readonly tokens: number[]; end(): void };

/** Uses that a store records, which takes each write until the test ends it. */
function openUses(): {
  note: (token: number) => void;
  /** So long that whatever was noted is due. */
  wait: () => Promise<void>;
  writes: Write[];
  close: () => void;
} {
  const clock = createStandingClock();
  const writes: Write[] = [];
  const uses = watchTokens({
    accounts: {
      touch: (principals) =>
        new Promise((resolve) => writes.push({ tokens: principals.map(({ token }) => token.id), end: resolve })),
    },
    clock,
    sessions: () => [],
    log: { warn() {} },
  });
  return {
    note: (id) => uses.note({ token: { id } } as Principal),
    wait: async () => {
      for (let turns = 0; turns < 3; turns += 1) await turn();
      clock.advance(1_000);
      await turn();
    },
    writes,
    close: () => uses.close(),
  };
}

test('a store that takes long is given one write of uses after the other, however many come meanwhile', async (t) => {
  const { note, wait, writes, close } = openUses();
  for (let token = 1; token <= 5; token += 1) {
    note(token);
    await wait();
  }
  t.deepEqual(
    writes.map(({ tokens }) => tokens),
    [[1]],
  );
  writes[0]?.end();
  await wait();
  t.deepEqual(writes[1]?.tokens, [2, 3, 4, 5]);
  note(6);
  close();
  t.deepEqual(writes[2]?.tokens, [6], 'what is left is written before the store is closed');
});

test('what waits for a store that takes nothing is bounded', async (t) => {
  const { note, wait, writes } = openUses();
  note(0);
  await wait();
  for (let token = 1; token <= 20_000; token += 1) note(token);
  for (let index = 0; index < writes.length; index += 1) {
    writes[index]?.end();
    await wait();
  }
  t.is(writes.flatMap(({ tokens }) => tokens).length, 10_001);
});

test('between two writes of uses others have their turn, however fast the store is', async (t) => {
  const clock = createStandingClock();
  const happened: string[] = [];
  const uses = watchTokens({
    accounts: {
      touch() {
        happened.push('write');
        setImmediate(() => happened.push('turn'));
        return Promise.resolve();
      },
    },
    clock,
    sessions: () => [],
    log: { warn() {} },
  });
  for (let token = 1; token <= 250; token += 1) uses.note({ token: { id: token } } as Principal);
  uses.close();
  for (let turns = 0; turns < 10; turns += 1) await turn();
  t.deepEqual(happened, ['write', 'turn', 'write', 'turn', 'write', 'turn']);
});
