import test from 'ava';
import { keptOf } from '../../test/support/garbage.ts';
import { comeBack, frames, openLine, openSessionWorld } from '../../test/support/session-world.ts';
import { limits } from '../protocol/limits.ts';
import type { LiveRoom } from './live-room.ts';

test('what is due is written before a fatal, before the end of a token, and before the server stops', (t) => {
  for (const [end, told] of [
    ['endWithFatal', ['1', 'kicked']],
    ['endLoggedOut', ['1', '2', 'normal']],
    ['stop', ['1', 'restarting']],
  ] as const) {
    const { session, timers } = openSessionWorld(1000);
    const line = openLine();
    session.begin(line.transport);
    session.push(frames(1));
    if (end === 'endWithFatal') session.endWithFatal('kicked');
    else session[end]();
    t.deepEqual(line.told, told);
    t.deepEqual(timers.waits, []);
  }
});

test('a detached session that is ended or stopped keeps no timer', async (t) => {
  for (const end of ['leave', 'stop'] as const) {
    const { session, timers } = openSessionWorld(1000);
    session.begin(openLine().transport).onClose(false);
    t.deepEqual(timers.waits, [limits.graceSeconds * 1000]);
    session[end]();
    await session.ended;
    t.deepEqual(timers.waits, []);
  }
});

test('an outbox that is full of what was sent lets the oldest go, and nothing that the connection has not taken', (t) => {
  const taken = openSessionWorld(1000);
  taken.session.begin(openLine().transport);
  taken.session.push(frames(600, 600, 600));
  taken.endTurn();
  t.is(comeBack(taken, 1), undefined);
  t.deepEqual(comeBack(taken, 2), ['3']);

  const stalled = openSessionWorld(1000);
  stalled.session.begin(openLine('sse', true).transport);
  stalled.session.push(frames(600, 600));
  stalled.endTurn();
  t.is(stalled.session.transportKind, 'sse');
  t.deepEqual(comeBack(stalled, 0), ['1', '2']);
});

test('a connection for which more than an outbox waits is given up, and its session too if nobody comes for it', async (t) => {
  const world = openSessionWorld(100_000);
  const { session, endTurn } = world;
  const line = openLine('sse', true);
  session.begin(line.transport);
  session.push(frames(limits.transportBytes, 60_000));
  endTurn();
  t.deepEqual(line.told, ['1', 'tooSlow']);
  t.is(session.transportKind, 'detached');
  t.true(session.isOpen);
  session.push(frames(1));
  session.push(frames(1));
  endTurn();
  await session.ended;
  t.is(comeBack(world, 0), undefined);
});

test('a session without resume ends when too much is unwritten, also where it was written as its room handed out', async (t) => {
  const { session } = openSessionWorld(limits.outboxBytes, false);
  const line = openLine('websocket', true);
  session.begin(line.transport);
  session.push(frames(limits.unwrittenBytes + 1));
  if (!session.tryWrite()) session.flush();
  await session.ended;
  t.deepEqual(line.told, ['tooSlow']);
});

test('a connection that stops reading is given up after its time to drain, however little waits', (t) => {
  for (const [size, waits] of [
    [1, limits.commentIntervalMs],
    [limits.transportBytes, 0],
  ] as const) {
    const world = openSessionWorld(limits.outboxBytes);
    const line = openLine('sse', true);
    world.session.begin(line.transport);
    world.session.push(frames(size, 1));
    world.endTurn();
    world.timers.advance(waits + limits.drainMs - 1);
    t.false(line.told.includes('tooSlow'));
    world.timers.advance(1);
    t.is(line.told.at(-1), 'tooSlow');
    t.deepEqual(comeBack(world, 0), ['1', '2']);
  }
});

test('a session that cannot be resumed ends once more than 1 MiB waits for its client', (t) => {
  const { session, endTurn } = openSessionWorld(1000, false);
  const line = openLine('websocket', true);
  session.begin(line.transport);
  session.push(frames(limits.unwrittenBytes));
  endTurn();
  t.true(session.isOpen);
  session.push(frames(1));
  endTurn();
  t.false(session.isOpen);
  t.deepEqual(line.told, ['tooSlow']);
});

test('what a cut connection had not taken is not let go when more comes', (t) => {
  const { session, endTurn } = openSessionWorld(1000);
  const events = session.begin(openLine('sse', true).transport);
  session.push(frames(600));
  endTurn();
  events.onClose(false);
  session.push(frames(600));
  endTurn();
  t.false(session.isOpen, 'it cannot be resumed without a loss');
});

test('what a session without a connection is shown while it ends is kept for nobody', async (t) => {
  for (const isResumable of [true, false]) {
    const { session } = openSessionWorld(limits.outboxBytes, isResumable);
    const events = session.begin(openLine('websocket').transport);
    // Its end waits for the outcome of a message, however long that takes.
    const settled = session.beginAppend();
    events.onClose(true);
    const shown = [frames(1), frames(1)].map((list) => {
      session.push(list);
      return new WeakRef(list);
    });
    t.deepEqual(await keptOf(shown), [], isResumable ? 'resumable' : 'not resumable');
    settled();
    await session.ended;
    t.false(session.isOpen);
  }
});

test('a session does not keep for ever what it has sent', (t) => {
  const world = openSessionWorld(1000);
  world.session.begin(openLine().transport);
  world.session.push(frames(1));
  world.endTurn();
  world.timers.advance(limits.outboxAgeMs + 2 * limits.commentIntervalMs);
  t.is(comeBack(world, 0), undefined);
  t.deepEqual(comeBack(world, 1), []);
});

test('a resumable session that floods is detached, another one ends', (t) => {
  for (const isResumable of [true, false]) {
    const { session } = openSessionWorld(1000, isResumable);
    const line = openLine('websocket');
    const events = session.begin(line.transport);
    for (let n = 0; n <= limits.rawFramesPerSecond; n += 1) events.receiveControl(0);
    t.deepEqual(line.told, ['flooding']);
    t.is(session.isOpen, isResumable);
  }
});

test('a post shows that the client of an event stream lives', async (t) => {
  const { session, timers } = openSessionWorld(1000);
  session.begin(openLine().transport);
  timers.advance(limits.aliveMs + 1);
  const proof = session.prove();
  t.true(session.post([], 2));
  t.true(await proof);
});

test('of a connection that was replaced, nothing reaches the session', (t) => {
  const world = openSessionWorld(1000);
  const line = openLine('websocket');
  const events = world.session.begin(line.transport);
  t.deepEqual(comeBack(world, 0), []);
  t.deepEqual(line.told, ['resumed-elsewhere']);
  events.onClose(true);
  world.timers.advance(2 * limits.pingIntervalMs);
  t.is(world.session.transportKind, 'sse');
  t.true(world.session.isOpen);
});

test('posted messages that wait for their turn are bounded by their size', (t) => {
  const { session, endTurn } = openSessionWorld(1000);
  const line = openLine();
  session.begin(line.transport);
  // They wait for the outcome of a message.
  session.beginAppend();
  const help = { type: 'help' };
  session.post([help, help], 2 * (limits.queuedBytes + 1));
  endTurn();
  t.deepEqual(line.told, ['1', '2'], 'answered at once: there is no room for them');
  session.post([help, help], 2 * (limits.queuedBytes / 2));
  endTurn();
  t.is(line.told.length, 2);
});

test('a session that what a room hands out is too much for ends with that turn', (t) => {
  const { session, turn, endTurn } = openSessionWorld(100);
  session.begin(openLine().transport).onClose(false);
  turn.addRoom({
    flush() {
      session.push(frames(60));
      session.push(frames(60));
    },
  });
  endTurn();
  t.false(session.isOpen);
});

test('a session knows whether it is in one room and in no other', (t) => {
  const { session } = openSessionWorld(1000);
  const roomAt = (id: number): LiveRoom => ({ id, gate: { position: 0 } }) as Partial<LiveRoom> as LiveRoom;
  const [first, second] = [roomAt(1), roomAt(2)];
  t.false(session.isInOneRoom);
  session.rooms.enter(first);
  t.true(session.isInOneRoom);
  session.rooms.enter(second);
  t.false(session.isInOneRoom);
  session.rooms.exit(first);
  t.true(session.isInOneRoom);
});

test('without a grace a session ends with its connection', (t) => {
  const { session, timers } = openSessionWorld(1000, true, 0);
  session.begin(openLine().transport).onClose(false);
  t.false(session.isOpen);
  t.deepEqual(timers.waits, []);
});

test('a connection that has had enough gets more only once it has drained', (t) => {
  const { session, endTurn } = openSessionWorld(limits.outboxBytes);
  const line = openLine('sse', true);
  const events = session.begin(line.transport);
  session.push(frames(limits.transportBytes, 1));
  endTurn();
  t.deepEqual(line.told, ['1']);
  line.hold.unwritten = 10;
  session.push(frames(1));
  endTurn();
  t.deepEqual(line.told, ['1']);
  line.hold.unwritten = 0;
  events.onDrain();
  t.deepEqual(line.told, ['1', '2', '3']);
});

test('a session that was resumed lives on beyond the grace of the connection before', (t) => {
  const world = openSessionWorld(1000);
  world.session.begin(openLine().transport).onClose(false);
  t.deepEqual(comeBack(world, 0), []);
  world.timers.advance(limits.graceSeconds * 1000);
  t.true(world.session.isOpen);
});
