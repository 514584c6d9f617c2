import test from 'ava';
import {
  comeBack,
  frames,
  openLine,
  openSessionWorld,
  type SessionWorld,
  worldPrincipal,
} from '../../test/support/session-world.ts';
import { limits } from '../protocol/limits.ts';
import { maxSeenRooms } from './seen-rooms.ts';
import { readSessionExport, type SessionExport } from './session-state.ts';

/** A session that moves, and what is exported of it as another node hears it. */
function beginMove(world: SessionWorld, n: number): SessionExport {
  world.session.beginMove(n);
  const state = readSessionExport(JSON.parse(JSON.stringify(world.session.export())));
  if (state === undefined) throw new Error('Not exported.');
  return state;
}

test('while a session moves, its client messages wait and its outbox is filled', async (t) => {
  const world = openSessionWorld(limits.outboxBytes);
  const { session, endTurn } = world;
  const line = openLine('websocket');
  session.begin(line.transport);
  session.push(frames(1, 1));
  endTurn();
  session.beginMove(1);
  t.deepEqual(line.told, ['1', '2', 'resumed-elsewhere']);
  t.true(session.post([{ type: 'help' }], 10));
  session.push(frames(1));
  endTurn();
  t.like(session.export(), { key: 'session', userId: 1, tasks: [{ frame: { type: 'help' }, bytes: 10 }] });
  t.like(session.export()?.outbox, { last: 3, highest: 2, sent: 1 });
  t.is(comeBack(world, 1), undefined, 'nobody can go on with it here meanwhile');
  session.stay();
  t.false(session.isMoving);
  t.deepEqual(comeBack(world, 1), ['2', '3', '4'], 'with the help that was asked for');
});

test('a session whose move came to nothing is kept for its grace from then on', async (t) => {
  const { session, timers } = openSessionWorld(1000);
  session.begin(openLine().transport);
  session.beginMove(0);
  t.deepEqual(timers.waits, []);
  session.stay();
  timers.advance(limits.graceSeconds * 1000 - 1);
  t.true(session.isOpen);
  timers.advance(1);
  await session.ended;
  t.false(session.isOpen);
});

test('what ends a session ends its move, and there is nothing to export', async (t) => {
  for (const end of ['fatal', 'stop', 'vanish'] as const) {
    const { session, timers } = openSessionWorld(1000);
    session.begin(openLine().transport);
    session.post([{ type: 'help' }], 10);
    session.beginMove(0);
    if (end === 'fatal') session.endWithFatal('kicked');
    else session[end]();
    t.false(session.isMoving);
    await session.ended;
    t.is(session.export(), undefined);
    t.deepEqual(timers.waits, []);
  }
});

test('a session that moves is not ended for its outbox before the move came to nothing', async (t) => {
  const { session, endTurn } = openSessionWorld(100);
  session.begin(openLine().transport);
  session.beginMove(0);
  session.push(frames(60));
  session.push(frames(60));
  endTurn();
  t.true(session.isOpen);
  t.is(session.export(), undefined, 'what is lost cannot go on elsewhere');
  session.stay();
  await session.ended;
  t.false(session.isOpen);
});

test('a session goes on elsewhere with what waited for its turn, its refs, and what it has used of its limits', (t) => {
  const world = openSessionWorld(limits.outboxBytes);
  const { session } = world;
  const events = session.begin(openLine().transport);
  session.commandRefs.add('a').add('b');
  for (let n = 0; n < limits.rawFramesPerSecond - 1; n += 1) events.receiveControl(0);
  session.push(frames(1));
  world.endTurn();
  session.beginMove(0);
  session.post([{ type: 'help' }], 10);
  const state = readSessionExport(JSON.parse(JSON.stringify(session.export())));
  const copy = state && world.importSession(state);
  t.deepEqual([...(copy?.commandRefs ?? [])], ['a', 'b']);
  const line = openLine();
  const resumed = copy?.resume(line.transport, worldPrincipal, 0);
  world.endTurn();
  t.deepEqual(line.told, ['1', '2'], 'the second one is the help');
  resumed?.receiveControl(0);
  t.deepEqual(line.told, ['1', '2', 'flooding']);
});

test('an export carries as much as a session may have, and no more', (t) => {
  const world = openSessionWorld(1000);
  world.session.begin(openLine().transport);
  const state = beginMove(world, 0);
  const most: [field: string, of: (length: number) => unknown, length: number][] = [
    ['key', (length) => 'k'.repeat(length), limits.sessionIdLength],
    ['commandRefs', (length) => Array.from({ length }, () => 'ref'), limits.commandRefs],
    ['seen', (length) => Array.from({ length }, (_, id) => [id, 1]), maxSeenRooms],
    // Beside each client message that waits an answer may wait.
    ['tasks', (length) => Array.from({ length }, () => ({ answer: '{}' })), 2 * limits.queuedFrames],
  ];
  for (const [field, of, length] of most) {
    const full = { ...state, [field]: of(length) };
    t.deepEqual(readSessionExport(full), full, field);
    t.is(readSessionExport({ ...state, [field]: of(length + 1) }), undefined, field);
  }
});

test('an export of another form is no session', (t) => {
  const world = openSessionWorld(1000);
  world.session.begin(openLine().transport);
  world.session.push(frames(1));
  const state = beginMove(world, 0);
  t.deepEqual(readSessionExport(state), state);
  const broken: object[] = [
    { key: 'a b' },
    { key: 'a'.repeat(limits.sessionIdLength + 1) },
    { userId: 0.5 },
    { username: null },
    { outbox: { ...state.outbox, sent: 2 } },
    { outbox: { ...state.outbox, last: 0 } },
    { outbox: { last: 2, sent: 1, highest: 2, frames: [] } },
    { outbox: { last: 1, sent: 1, highest: 2, frames: [] } },
    { outbox: [] },
    { outbox: { ...state.outbox, frames: [1] } },
    { tasks: [{ frame: { type: 'end' }, bytes: 0 }] },
    { tasks: [{ frame: { type: 'help' } }] },
    { tasks: [null] },
    { commandRefs: 'ab' },
    { rawCap: { frames: -1, bytes: 0 } },
    { seen: [[1]] },
    { seen: [[1, -1]] },
    { bucketMs: null },
  ];
  for (const fault of broken) t.is(readSessionExport({ ...state, ...fault }), undefined, JSON.stringify(fault));
  for (const value of [undefined, null, 1, 'x', [], {}]) t.is(readSessionExport(value), undefined);
});
