import test from 'ava';
import type { Now } from '../../protocol/admin.ts';
import { courseLength, openWatch, readEveryMs } from './watch.ts';

/** A server that answers at once, or fails, and a clock that is moved by hand. */
function newWatch() {
  let at = 0;
  const timers = new Map<number, () => void>();
  let ids = 0;
  const world = { asked: 0, isAway: false };
  const watch = openWatch({
    api: {
      now: async () => {
        world.asked += 1;
        if (world.isAway) throw new Error('away');
        return { live_rooms: world.asked } as Now;
      },
    },
    now: () => at,
    after: (ms, run) => {
      ids += 1;
      const id = ids;
      timers.set(id, () => {
        at += ms;
        run();
      });
      return () => timers.delete(id);
    },
  });
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const tick = async (): Promise<void> => {
    const due = [...timers.values()];
    timers.clear();
    for (const run of due) run();
    await settled();
  };
  return { watch, world, settled, tick, timers };
}

test('the server is asked at once and again each few seconds', async (t) => {
  const { watch, world, settled, tick } = newWatch();
  t.is(world.asked, 1);
  await settled();
  t.is(watch.last.value?.now.live_rooms, 1);
  await tick();
  t.is(watch.last.value?.now.live_rooms, 2);
  t.is(watch.last.value?.at, readEveryMs);
  t.is(watch.course.value.length, 2);
});

test('a server that is away leaves the last reading, and is asked again', async (t) => {
  const { watch, world, settled, tick } = newWatch();
  await settled();
  world.isAway = true;
  await tick();
  t.is((watch.fault.value as Error).message, 'away');
  t.is(watch.last.value?.now.live_rooms, 1);
  world.isAway = false;
  await tick();
  t.is(watch.fault.value, undefined);
  t.is(watch.last.value?.now.live_rooms, 3);
});

test('nothing is asked while it is hidden or paused, and at once afterwards', async (t) => {
  const { watch, world, settled, timers } = newWatch();
  await settled();
  watch.setVisible(false);
  t.is(timers.size, 0);
  watch.setPaused(true);
  watch.setVisible(true);
  await settled();
  t.is(world.asked, 1);
  watch.setPaused(false);
  await settled();
  t.is(world.asked, 2);
  t.is(timers.size, 1);
});

test('the course is bounded', async (t) => {
  const { watch, settled, tick } = newWatch();
  await settled();
  for (let i = 0; i < courseLength + 5; i += 1) await tick();
  t.is(watch.course.value.length, courseLength);
  t.is(watch.course.value.at(-1), watch.last.value);
});

test('a watch that was closed asks no more, and takes no late answer', async (t) => {
  const { watch, settled, timers } = newWatch();
  watch.close();
  await settled();
  t.is(watch.last.value, undefined);
  t.is(timers.size, 0);
});
