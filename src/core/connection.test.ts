import test from 'ava';
import { createManualTimers, type ManualTimers } from '../../test/support/manual-timers.ts';
import { limits } from '../protocol/limits.ts';
import { Connection } from './connection.ts';
import type { Transport, TransportKind } from './transport.ts';

const pollGapMs = 60_000;

/** A connection over a transport of that kind, and what happened to it. */
function connect(kind: TransportKind): {
  connection: Connection;
  events: string[];
  timers: ManualTimers;
  line: { unwritten: number };
} {
  const timers = createManualTimers();
  const events: string[] = [];
  const line = { unwritten: 0 };
  const transport: Transport = {
    kind,
    unwritten: () => line.unwritten,
    write() {},
    refuse() {},
    close() {},
    ping: () => void events.push('ping'),
  };
  const clock = {
    now: () => timers.now(),
    after(ms: number, run: () => void) {
      const handle = timers.setTimeout(run, ms);
      return () => timers.clearTimeout(handle);
    },
    endOfTurn() {},
  };
  const connection = new Connection({
    clock,
    transport,
    pollGapMs,
    owner: {
      receive: (text) => void events.push(`receive ${text}`),
      receiveControl: () => void events.push('control'),
      flush: () => void events.push('flush'),
      askForPost: () => void events.push('ask'),
      onBeat() {},
      onStalled: () => void events.push('stalled'),
      onGone: (isGoodbye) => void events.push(isGoodbye ? 'goodbye' : 'gone'),
    },
  });
  return { connection, events, timers, line };
}

test('a WebSocket that answers no ping is given up at the next', (t) => {
  const { connection, events, timers } = connect('websocket');
  timers.advance(limits.pingIntervalMs);
  connection.receiveControl(0);
  timers.advance(limits.pingIntervalMs);
  t.deepEqual(events, ['ping', 'control', 'ping']);
  timers.advance(limits.pingIntervalMs);
  t.is(events.at(-1), 'stalled');
});

test('an event stream gets its comments, and need not answer them', (t) => {
  const { events, timers } = connect('sse');
  timers.advance(10 * limits.commentIntervalMs);
  t.deepEqual(
    events,
    Array.from({ length: 10 }, () => 'ping'),
  );
});

test('a poll is gone when the next one has not come in its time', (t) => {
  const { connection, events, timers } = connect('poll');
  timers.advance(10 * pollGapMs);
  t.deepEqual(events, [], 'while it waits it needs no sign of life');
  connection.onClose(false);
  timers.advance(pollGapMs - 1);
  t.deepEqual(events, []);
  timers.advance(1);
  t.deepEqual(events, ['gone']);
});

test('an event stream proves that it lives by having been opened or posted a while ago, and else by a post', async (t) => {
  const { connection, events, timers } = connect('sse');
  timers.advance(limits.aliveMs);
  t.true(await connection.prove());
  t.false(events.includes('ask'));
  timers.advance(1);
  const posted = connection.prove();
  t.true(events.includes('ask'));
  connection.onAlive();
  t.true(await posted);
  timers.advance(limits.aliveMs + 1);
  const silent = connection.prove();
  timers.advance(limits.proofMs);
  t.false(await silent);
});

test('a poll proves that it lives by asking again, which replaces its connection', async (t) => {
  const { connection, events } = connect('poll');
  const asked = connection.prove();
  t.deepEqual(events, ['ping']);
  connection.release(true);
  t.true(await asked);
});

test('a connection that was released tells nothing any more and keeps no timer', (t) => {
  for (const kind of ['websocket', 'sse', 'poll'] as const) {
    const { connection, events, timers } = connect(kind);
    connection.block();
    connection.release(false);
    connection.receive('text', 4);
    connection.receiveBinary(4);
    connection.receiveControl(4);
    connection.onDrain();
    connection.onClose(true);
    t.deepEqual([events, timers.waits], [[], []]);
  }
});

test('a connection that has to drain is given up when it does not, and goes on when it does', (t) => {
  const { connection, events, timers, line } = connect('sse');
  connection.block();
  t.true(connection.isBlocked);
  connection.onDrain();
  t.false(connection.isBlocked);
  t.deepEqual(events, ['flush']);
  timers.advance(limits.drainMs);
  t.deepEqual(events, ['flush']);

  line.unwritten = 1;
  connection.expectDrain();
  t.false(connection.isBlocked);
  timers.advance(limits.drainMs);
  t.is(events.at(-1), 'stalled');
});

test('a poll that was answered keeps no timer once the next one has come', (t) => {
  const { connection, events, timers } = connect('poll');
  connection.onClose(false);
  t.deepEqual(timers.waits, [pollGapMs]);
  connection.release(true);
  timers.advance(pollGapMs);
  t.deepEqual(events, []);
});

test('a poll never has to drain: it takes one answer, and the next poll takes what is left', (t) => {
  const { connection, timers } = connect('poll');
  connection.block();
  t.false(connection.isBlocked);
  t.deepEqual(timers.waits, []);
});

test('the time to drain runs from the first time that it was asked for, and what has drained unseen goes on', (t) => {
  const { connection, events, timers, line } = connect('sse');
  line.unwritten = 1;
  connection.expectDrain();
  timers.advance(limits.drainMs - 1);
  connection.expectDrain();
  t.false(events.includes('stalled'));
  // The heartbeat, and one time to drain.
  t.is(timers.waits.length, 2);
  timers.advance(1);
  t.is(events.at(-1), 'stalled');

  line.unwritten = 0;
  connection.block();
  timers.advance(limits.drainMs);
  t.is(events.at(-1), 'flush');
  t.false(connection.isBlocked);
});
