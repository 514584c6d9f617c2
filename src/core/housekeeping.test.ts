import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { systemClock } from './clock.ts';
import { startHousekeeping } from './housekeeping.ts';

type Purge = { signal: AbortSignal | undefined; end: () => void; fail: () => void };

/** Housekeeping over a store whose purges end when the test says so. */
function openHousekeeping(): { house: ReturnType<typeof startHousekeeping>; purges: Purge[]; warnings: string[] } {
  const purges: Purge[] = [];
  const warnings: string[] = [];
  const purge = (signal?: AbortSignal): Promise<number> =>
    new Promise((resolve, reject) => {
      const end = (): void => resolve(0);
      signal?.addEventListener('abort', end);
      purges.push({ signal, end, fail: () => reject(new Error('away')) });
    });
  const storage = {
    changes: { prune: async () => 0 },
    tokens: { deleteExpired: async () => 0 },
    rooms: { purge },
  } as unknown as Parameters<typeof startHousekeeping>[0]['storage'];
  const log = { warn: (_details: object, sentence: string) => void warnings.push(sentence) };
  return { house: startHousekeeping({ storage, clock: systemClock, log }), purges, warnings };
}

test('one purge runs at a time, and what is asked for meanwhile is done by one more', async (t) => {
  const { house, purges } = openHousekeeping();
  t.teardown(() => house.close());
  await turn();
  t.is(purges.length, 1, 'the one of the start');
  for (let asked = 0; asked < 5; asked += 1) house.purgeRooms();
  await turn();
  t.is(purges.length, 1);
  purges[0]?.end();
  await turn();
  t.is(purges.length, 2);
  purges[1]?.end();
  await turn();
  t.is(purges.length, 2);
  house.purgeRooms();
  await turn();
  t.is(purges.length, 3);
});

test('a purge that fails is said, and the next one is begun all the same', async (t) => {
  const { house, purges, warnings } = openHousekeeping();
  t.teardown(() => house.close());
  await turn();
  purges[0]?.fail();
  await turn();
  house.purgeRooms();
  await turn();
  purges[1]?.fail();
  await turn();
  t.is(warnings.length, 2);
  house.purgeRooms();
  await turn();
  t.is(purges.length, 3);
});

test('closing breaks off the purge under way and begins none that waits', async (t) => {
  const { house, purges, warnings } = openHousekeeping();
  await turn();
  house.purgeRooms();
  await house.close();
  t.deepEqual(
    purges.map(({ signal }) => signal?.aborted),
    [true],
  );
  t.deepEqual(warnings, []);
});
