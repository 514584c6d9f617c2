import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { type ChangeReader, createChangeReader } from './change-reader.ts';
import { systemClock } from './clock.ts';
import type { Change, ChangeStore } from './ports.ts';

function room(id: number): Change {
  return { kind: 'room-changed', room: { id, name: `room-${id}`, topic: '', epoch: 'e' } };
}

type Answer = Awaited<ReturnType<ChangeStore['readAfter']>>;

/** A reader over a table in memory, with what it applied. `read` may hold an answer back or fail. */
function readerOver(
  table: { changes: { id: number; change: Change }[]; oldest: number },
  options: { read?: (answer: Answer) => Promise<Answer>; reload?: () => Promise<void> } = {},
): { reader: ChangeReader; applied: number[]; reads: { now: number; most: number } } {
  const applied: number[] = [];
  const reads = { now: 0, most: 0 };
  const reader = createChangeReader(
    {
      store: {
        latestId: () => Promise.resolve(table.changes.at(-1)?.id ?? 0),
        async readAfter(id, limit) {
          reads.now += 1;
          reads.most = Math.max(reads.most, reads.now);
          const changes = table.changes.filter((row) => row.id > id).slice(0, limit);
          const answer = { changes, lost: id + 1 < table.oldest };
          try {
            return (await options.read?.(answer)) ?? answer;
          } finally {
            reads.now -= 1;
          }
        },
      },
      // Nothing is read but on demand.
      clock: { ...systemClock, after: () => () => {} },
      apply: (change) => applied.push('room' in change ? change.room.id : 0),
      reload: options.reload ?? (() => Promise.resolve()),
      alongside: () => Promise.resolve(),
      log: { warn() {} },
    },
    0,
  );
  return { reader, applied, reads };
}

test('changes take effect once and in order, whoever asks at whatever moment of a reading', async (t) => {
  for (let steps = 0; steps < 12; steps++) {
    const table = { changes: [{ id: 1, change: room(1) }], oldest: 1 };
    const asked: Promise<void>[] = [];
    let isFirst = true;
    const { reader, applied, reads } = readerOver(table, {
      async read(answer) {
        await turn();
        if (isFirst) void askLater();
        isFirst = false;
        return answer;
      },
    });
    // So many steps after the first answer has come: while it is dealt with, when that has ended, when the next begins.
    const askLater = async (): Promise<void> => {
      for (let step = 0; step < steps; step++) await Promise.resolve();
      table.changes.push({ id: 2, change: room(2) });
      asked.push(reader.read());
    };
    asked.push(reader.read(), reader.read());
    for (let done = 0; done < asked.length; ) {
      done = asked.length;
      await Promise.all(asked);
    }
    t.is(reads.most, 1, `${steps} steps after the answer`);
    t.deepEqual(applied, [1, 2]);
  }
});

test('a place that is lost is loaded anew, and again when that failed', async (t) => {
  const table = { changes: [{ id: 7, change: room(7) }], oldest: 7 };
  let loads = 0;
  const { reader, applied } = readerOver(table, {
    reload() {
      loads += 1;
      return loads === 1 ? Promise.reject(new Error('away')) : Promise.resolve();
    },
  });
  await t.throwsAsync(reader.read(), { message: 'away' });
  await reader.read();
  t.is(loads, 2);
  table.changes.push({ id: 8, change: room(8) });
  await reader.read();
  t.is(loads, 2);
  t.deepEqual(applied, [8]);
});
