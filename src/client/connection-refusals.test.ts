import test from 'ava';
import { chatting, comeBack, type Scripted, scripted, until } from '../../test/support/scripted-client.ts';
import type { Line } from '../../test/support/scripted-server.ts';
import { limits } from '../protocol/limits.ts';
import { FatalError } from './index.ts';

const refusals = [
  [1000, 'ended'],
  [4401, 'not-authenticated'],
  [4403, 'kicked'],
  [4409, 'already-chatting'],
  [4410, 'resumed-elsewhere'],
] as const;
for (const [code, reason] of refusals) {
  test(`a line closed with ${code} ends the client with ${reason}`, async (t) => {
    const { client, line, server, timers, told } = await chatting(t);
    const end = until(client, 'end');
    line.close(code);
    const { error } = await end;
    t.is(error.code, reason);
    t.is(client.state, 'ended');
    t.deepEqual(timers.waits, []);
    t.is(server.waiting, 0);
    t.deepEqual(told, [`end ${reason}`]);
    await t.throwsAsync(client.list(), { message: /not connected/ });
  });
}

for (const code of ['not-authenticated', 'already-chatting', 'kicked', 'resumed-elsewhere'] as const) {
  test(`fatal ${code} rejects connect and ends the client without another attempt`, async (t) => {
    const { client, server, timers } = await scripted(t);
    const connected = t.throwsAsync(client.connect(), { instanceOf: FatalError });
    const line = await server.accept();
    line.sendText(JSON.stringify({ type: 'fatal', code }));
    line.close(1013);
    t.is((await connected)?.code, code);
    t.is(client.state, 'ended');
    await line.closed;
    timers.advance(600_000);
    t.is(client.state, 'ended');
    t.is(server.waiting, 0);
  });
}

for (const how of ['a fatal', 'a close code'] as const) {
  const refuse = (line: Line): void => {
    if (how === 'a fatal') line.send({ type: 'fatal', code: 'already-chatting' });
    else line.close(4409);
  };

  /** Cuts the line, and has the next attempt refused. */
  const cutAndRefuse = async (all: Scripted, line: Line): Promise<void> => {
    const waiting = (): Promise<unknown> => until(all.client, 'state', ({ state }) => state === 'waiting');
    let isWaiting = waiting();
    line.cut();
    await isWaiting;
    all.timers.advance(all.timers.waits[0] ?? 0);
    const next = await all.server.accept();
    isWaiting = waiting();
    refuse(next);
    await isWaiting;
    await next.closed;
  };

  test(`a client that comes back while its older connection is tested asks again once that is over (${how})`, async (t) => {
    const all = await chatting(t);
    let { line } = all;
    // Each greeting makes up for the refusal before it.
    for (let times = 0; times < 2; times += 1) {
      await cutAndRefuse(all, line);
      all.timers.advance(limits.proofMs + 999);
      t.is(all.client.state, 'waiting');
      line = await comeBack(all);
      t.is(all.client.state, 'open');
    }
    t.deepEqual(all.told, []);
  });

  test(`a second client that took the place while this one was away ends it, asked twice (${how})`, async (t) => {
    const all = await chatting(t);
    await cutAndRefuse(all, all.line);
    const end = until(all.client, 'end');
    all.timers.advance(limits.proofMs + 1_000);
    refuse(await all.server.accept());
    t.is((await end).reason, 'already-chatting');
    all.timers.advance(600_000);
    t.is(all.client.state, 'ended');
    t.is(all.server.waiting, 0);
    t.deepEqual(all.told, ['end already-chatting']);
  });
}

test('an attempt that was cut before its greeting may be what blocks the next one', async (t) => {
  const all = await scripted(t);
  const connected = all.client.connect();
  const waiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  (await all.server.accept()).cut();
  await waiting;
  all.timers.advance(all.timers.waits[0] ?? 0);
  const isWaiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  (await all.server.accept()).send({ type: 'fatal', code: 'already-chatting' });
  await isWaiting;
  await comeBack(all);
  await connected;
  t.is(all.client.state, 'open');
});

test('an attempt that was cut since the refusal may be what blocks the next one, too', async (t) => {
  const all = await scripted(t);
  const connected = all.client.connect();
  const refuse = (line: Line): void => line.send({ type: 'fatal', code: 'already-chatting' });
  const cut = (line: Line): void => line.cut();
  for (const answer of [cut, refuse, cut, refuse]) await attempt(all, answer);
  await comeBack(all);
  await connected;
  t.is(all.client.state, 'open');
});

/** The next attempt, and what becomes of it: resolves once the client waits for the one after. */
async function attempt(all: Scripted, answer: (line: Line) => void): Promise<void> {
  // The wait for a closing frame may stand before the one for the next attempt.
  while (all.client.state === 'waiting') all.timers.advance(all.timers.waits[0] ?? 0);
  const isWaiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  answer(await all.server.accept());
  await isWaiting;
}

/** A line that comes back after an attempt that was cut, on which the session is said to go on elsewhere. */
async function losePlace(all: Scripted & { line: Line }): Promise<void> {
  const isWaiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  all.line.cut();
  await isWaiting;
  await attempt(all, (line) => line.cut());
  const line = await comeBack(all);
  const isDisputed = until(all.client, 'state', ({ state }) => state === 'waiting');
  line.send({ type: 'fatal', code: 'resumed-elsewhere' });
  await isDisputed;
}

test('a client that asks for its session again and finds somebody there believes that it went on elsewhere', async (t) => {
  const all = await chatting(t);
  await losePlace(all);
  const end = until(all.client, 'end');
  while (all.client.state === 'waiting') all.timers.advance(all.timers.waits[0] ?? 0);
  (await all.server.accept()).send({ type: 'fatal', code: 'already-chatting' });
  t.is((await end).reason, 'resumed-elsewhere');
});

test('an attempt to have the session back that was cut may be what blocks the next one', async (t) => {
  const all = await chatting(t);
  await losePlace(all);
  await attempt(all, (line) => line.cut());
  await attempt(all, (line) => line.send({ type: 'fatal', code: 'already-chatting' }));
  await comeBack(all);
  t.is(all.client.state, 'open');
  t.deepEqual(all.told, []);
});

test('an attempt that the server has answered is over: who has the session afterwards is another client', async (t) => {
  const all = await chatting(t);
  const isWaiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  all.line.cut();
  await isWaiting;
  await attempt(all, (line) => line.close(1012));
  const line = await comeBack(all);
  const end = until(all.client, 'end');
  line.send({ type: 'fatal', code: 'resumed-elsewhere' });
  t.is((await end).reason, 'resumed-elsewhere');
});

test('after an end, connecting anew takes the first refusal for an answer', async (t) => {
  const { client, line, server } = await chatting(t);
  const end = until(client, 'end');
  line.close(1000);
  await end;
  const connected = t.throwsAsync(client.connect(), { instanceOf: FatalError });
  (await server.accept()).send({ type: 'fatal', code: 'already-chatting' });
  t.is((await connected)?.code, 'already-chatting');
});

test('an expired session begins a new one', async (t) => {
  const all = await chatting(t);
  const waiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  all.line.sendText(JSON.stringify({ type: 'fatal', code: 'session-expired' }));
  await waiting;
  await comeBack(all);
  t.is(all.client.state, 'open');
});
