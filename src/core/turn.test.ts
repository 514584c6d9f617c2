import test from 'ava';
import { systemClock } from './clock.ts';
import { createTurn, type Flushable } from './turn.ts';

const endOfTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });

test('rooms are flushed before sessions, and each once a turn', async (t) => {
  const turn = createTurn(systemClock);
  const order: string[] = [];
  const session: Flushable = { flush: () => order.push('session') };
  const room: Flushable = {
    flush: () => {
      order.push('room');
      turn.addSession(session);
    },
  };
  turn.addRoom(room);
  turn.addRoom(room);
  t.deepEqual(order, []);
  await endOfTurn();
  t.deepEqual(order, ['room', 'session']);
});

test('a session that gets something while others are flushed is flushed again', async (t) => {
  const turn = createTurn(systemClock);
  let first = 0;
  const early: Flushable = { flush: () => (first += 1) };
  const late: Flushable = { flush: () => turn.addSession(early) };
  turn.addSession(early);
  turn.addSession(late);
  await endOfTurn();
  await endOfTurn();
  t.is(first, 2);
});
