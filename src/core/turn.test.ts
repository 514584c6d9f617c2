import test from 'ava';
import { systemClock } from './clock.ts';
import type { Clock } from './ports.ts';
import { createTurn, type Flushable, type Writer } from './turn.ts';

const endOfTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });

/** Notes when it is written. `canWrite` false: it has more to do than to write. */
function session(order: string[], options: { isInOneRoom?: boolean; canWrite?: boolean } = {}): Writer {
  const { isInOneRoom = true, canWrite = true } = options;
  return {
    isInOneRoom,
    tryWrite: () => {
      order.push('written');
      return canWrite;
    },
    flush: () => order.push('flushed'),
  };
}

test('a room is flushed once a turn, and its session is written as it hands out', async (t) => {
  const turn = createTurn(systemClock);
  const order: string[] = [];
  const member = session(order);
  const room: Flushable = {
    flush: () => {
      turn.addSession(member);
      order.push('room');
    },
  };
  turn.addRoom(room);
  turn.addRoom(room);
  t.deepEqual(order, []);
  await endOfTurn();
  t.deepEqual(order, ['written', 'room']);
});

test('of several rooms each writes those alone that are in no other one', async (t) => {
  const turn = createTurn(systemClock);
  const order: string[] = [];
  const guest = session(order, { isInOneRoom: false });
  const first: Flushable = {
    flush: () => {
      turn.addSession(guest);
      turn.addSession(session(order));
      order.push('first');
    },
  };
  turn.addRoom(first);
  turn.addRoom({ flush: () => order.push('second') });
  await endOfTurn();
  t.deepEqual(order, ['written', 'first', 'second', 'flushed']);
});

test('a session that has more to do than to write is flushed after all rooms', async (t) => {
  const turn = createTurn(systemClock);
  const order: string[] = [];
  turn.addRoom({ flush: () => turn.addSession(session(order, { canWrite: false })) });
  turn.addRoom({ flush: () => order.push('second') });
  await endOfTurn();
  t.deepEqual(order, ['written', 'second', 'flushed']);
});

test('a session that is given something outside of its rooms is flushed after them', async (t) => {
  const turn = createTurn(systemClock);
  const order: string[] = [];
  turn.addSession(session(order));
  turn.addRoom({ flush: () => order.push('room') });
  await endOfTurn();
  t.deepEqual(order, ['room', 'flushed']);
});

test('what a session is given after a turn waits for the end of the next one', async (t) => {
  const turn = createTurn(systemClock);
  const order: string[] = [];
  turn.addRoom({ flush: () => order.push('room') });
  await endOfTurn();
  turn.addSession(session(order));
  t.deepEqual(order, ['room']);
  await endOfTurn();
  t.deepEqual(order, ['room', 'flushed']);
});

test('however many have something to write, a turn ends once', async (t) => {
  let ends = 0;
  const clock: Clock = {
    ...systemClock,
    endOfTurn(run) {
      ends += 1;
      systemClock.endOfTurn(run);
    },
  };
  const turn = createTurn(clock);
  for (let round = 1; round <= 2; round += 1) {
    for (let n = 0; n < 3; n += 1) {
      turn.addRoom({ flush() {} });
      turn.addSession(session([]));
    }
    t.is(ends, round);
    await endOfTurn();
  }
});

test('a session that gets something while others are flushed is flushed again', async (t) => {
  const turn = createTurn(systemClock);
  const order: string[] = [];
  const early = session(order);
  const late: Writer = { ...session(order), flush: () => turn.addSession(early) };
  turn.addSession(early);
  turn.addSession(late);
  await endOfTurn();
  await endOfTurn();
  t.deepEqual(order, ['flushed', 'flushed']);
});
