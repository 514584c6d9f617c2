import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { newPoll, newTransport, openSessions, principal, request } from '../../test/support/sessions-world.ts';
import { limits } from '../protocol/limits.ts';
import type { Principal } from './accounts.ts';
import { systemClock } from './clock.ts';
import { AuthenticationError } from './errors.ts';
import { StoreError } from './ports.ts';

test('of two connections of one user that get through at the same instant, one is refused', async (t) => {
  for (let apart = 0; apart < 8; apart++) {
    const sessions = openSessions();
    const open = [newTransport(), newTransport()].map(async ({ transport, closed }, index) => {
      // The second comes a few steps after the first, within one turn of the event loop.
      for (let step = 0; step < index * apart; step++) await Promise.resolve();
      const session = sessions.open(transport, request);
      // Whoever has a session already shows that it lives.
      void session.then((opened) => setImmediate(() => opened?.onAlive()));
      return { opened: await session, closed };
    });
    const results = await Promise.all(open);
    t.is(results.filter(({ opened }) => opened !== undefined).length, 1, `${apart} steps apart`);
    t.deepEqual(
      results.flatMap(({ closed }) => closed),
      ['alreadyChatting'],
    );
    t.is(sessions.size, 1);
    sessions.close();
  }
});

test('who goes on with the same token needs no store, and with another one becomes the owner of the session', async (t) => {
  let isAway = false;
  const authenticate = (token: string): Promise<Principal> =>
    isAway
      ? Promise.reject(new StoreError('unavailable', 'away'))
      : Promise.resolve({ ...principal, token: { ...principal.token, id: token.length } });
  const sessions = openSessions({ authenticate });
  const poll = { ...request, resumable: true };
  const other = { kind: 'token' as const, token: 'another' };
  await sessions.open(newPoll().transport, poll);
  const session = sessions.find(request.credentials, undefined);
  const cursor = `${session?.id}.0`;

  isAway = true;
  t.truthy(await sessions.open(newPoll().transport, { ...poll, cursor }));
  const refused = newPoll();
  t.is(await sessions.open(refused.transport, { ...poll, cursor, credentials: other }), undefined);
  t.deepEqual(refused.told, ['unavailable']);

  isAway = false;
  t.truthy(await sessions.open(newPoll().transport, { ...poll, cursor, credentials: other }));
  t.is(sessions.find(request.credentials, undefined), undefined);
  t.is(sessions.find(other, undefined), session);
  t.is(sessions.find(other, session?.id), session);
  t.is(sessions.find(other, 'else'), undefined);
  sessions.revokeToken(1, 1);
  t.true(session?.isOpen);
  sessions.revokeToken(1, 'another'.length);
  t.false(session?.isOpen);
  sessions.close();
});

test('a cursor that is a fatal is answered with that fatal, and one of no session with session-expired', async (t) => {
  const sessions = openSessions();
  await sessions.open(newPoll().transport, { ...request, resumable: true });
  const id = sessions.find(request.credentials, undefined)?.id;
  for (const [cursor, code] of [
    ['resumed-elsewhere', 'resumed-elsewhere'],
    ['kicked', 'kicked'],
    ['constructor', 'session-expired'],
    ['x.0', 'session-expired'],
    [`${id}.2`, 'session-expired'],
    [`${id}`, 'session-expired'],
  ] as const) {
    const { transport, told } = newPoll();
    t.is(await sessions.open(transport, { ...request, resumable: true, cursor }), undefined);
    t.deepEqual(told, [code]);
  }
  t.is(sessions.size, 1);
  sessions.close();
});

test('a session that is leaving takes nothing more, and a token that has run out opens nothing', async (t) => {
  let now = 0;
  const expiring = { ...principal, token: { ...principal.token, expiresAt: 1000 } };
  let asked = 0;
  const sessions = openSessions(
    {
      authenticate() {
        asked += 1;
        return asked === 1 ? Promise.resolve(expiring) : Promise.reject(new AuthenticationError('expired'));
      },
    },
    { ...systemClock, now: () => now },
  );
  const poll = { ...request, resumable: true };
  await sessions.open(newPoll().transport, poll);
  const session = sessions.find(request.credentials, undefined);
  const cursor = `${session?.id}.0`;
  now = 999;
  t.truthy(await sessions.open(newPoll().transport, { ...poll, cursor }));
  now = 1000;
  const late = newPoll();
  t.is(await sessions.open(late.transport, { ...poll, cursor }), undefined);
  t.deepEqual(late.told, ['not-authenticated']);
  t.true(session?.isOpen);
  session?.leave();
  t.is(sessions.find(request.credentials, undefined), undefined);
  sessions.close();
});

test('a server that stops lets polls have what is due to them, and sends everybody else away', async (t) => {
  const sessions = openSessions();
  const poll = { ...request, resumable: true };
  await sessions.open(newPoll().transport, poll);
  const cursor = `${sessions.find(request.credentials, undefined)?.id}.0`;
  sessions.close();
  t.truthy(await sessions.open(newPoll().transport, { ...poll, cursor }));
  for (const { kind, one } of [
    { kind: 'poll', one: 'x.0' },
    { kind: 'poll', one: undefined },
    { kind: 'websocket', one: cursor },
    { kind: 'sse', one: cursor },
  ] as const) {
    const { transport, told } = newPoll();
    t.is(await sessions.open({ ...transport, kind }, { ...poll, cursor: one }), undefined);
    t.deepEqual(told, ['restarting']);
  }
  t.is(sessions.size, 1);
  // Where there are other nodes, it lets go of what is here in the end.
  sessions.drain();
  const late = newPoll();
  t.is(await sessions.open(late.transport, { ...poll, cursor }), undefined);
  t.deepEqual(late.told, ['restarting']);
});

test('a newcomer waits until the older session has left, and is sent away when the server stops meanwhile', async (t) => {
  for (const stops of [false, true]) {
    const sessions = openSessions();
    await sessions.open(newPoll().transport, { ...request, resumable: true });
    // A message of the older session is on its way to the log.
    const settled = sessions.find(request.credentials, undefined)?.beginAppend();
    const { transport, told } = newPoll();
    const opening = sessions.open(transport, { ...request, takeover: true });
    await turn();
    t.deepEqual(told, []);
    if (stops) sessions.close();
    settled?.();
    t.is((await opening) === undefined, stops);
    t.is(told.includes('restarting'), stops);
    sessions.close();
  }
});

test('a token that is revoked while its connection is being opened resumes nothing', async (t) => {
  const other = { kind: 'token' as const, token: 'another' };
  const second = { ...principal, token: { ...principal.token, id: 2 } };
  let whileAsked = (): void => {};
  const sessions = openSessions({
    authenticate(token) {
      whileAsked();
      return Promise.resolve(token === other.token ? second : principal);
    },
  });
  const poll = { ...request, resumable: true };
  await sessions.open(newPoll().transport, poll);
  const session = sessions.find(request.credentials, undefined);
  whileAsked = () => sessions.revokeToken(1, 2);
  const { transport, told } = newPoll();
  t.is(await sessions.open(transport, { ...poll, credentials: other, cursor: `${session?.id}.0` }), undefined);
  t.deepEqual(told, ['not-authenticated']);
  t.true(session?.isOpen);
  sessions.close();
});

test('a kick ends the session and what is being opened, and the user may come straight back', async (t) => {
  let whileAsked = (): void => {};
  const sessions = openSessions({
    authenticate() {
      whileAsked();
      return Promise.resolve(principal);
    },
  });
  t.teardown(() => sessions.close());
  const first = newPoll();
  t.truthy(await sessions.open(first.transport, request));
  sessions.kickUser(1);
  t.deepEqual(first.told.slice(-1), ['kicked']);
  await turn();
  whileAsked = () => sessions.kickUser(1);
  const meanwhile = newPoll();
  t.is(await sessions.open(meanwhile.transport, request), undefined);
  t.deepEqual(meanwhile.told, ['kicked']);
  whileAsked = () => {};
  const again = newPoll();
  t.truthy(await sessions.open(again.transport, request));
  t.false(again.told.includes('kicked'));
});

test('who was between two polls when its session was ended hears why, and of its new session nothing', async (t) => {
  const sessions = openSessions();
  t.teardown(() => sessions.close());
  const poll = { ...request, resumable: true };
  for (const [end, code] of [
    [() => sessions.kickUser(1), 'kicked'],
    [() => void sessions.open(newPoll().transport, { ...poll, takeover: true }), 'resumed-elsewhere'],
  ] as const) {
    await sessions.open(newPoll().transport, { ...poll, takeover: true });
    const cursor = `${sessions.find(request.credentials, undefined)?.id}.0`;
    end();
    await turn();
    for (const kind of ['poll', 'websocket', 'poll'] as const) {
      const { transport, told } = newPoll();
      t.is(await sessions.open({ ...transport, kind }, { ...poll, cursor }), undefined);
      t.deepEqual(told, [code]);
    }
  }
  sessions.kickUser(1);
  await turn();
  t.truthy(await sessions.open(newPoll().transport, poll));
});

test('a client that resumes more often than any needs is sent away, and its session stays', async (t) => {
  const sessions = openSessions({}, { ...systemClock, now: () => 0 });
  await sessions.open(newPoll().transport, { ...request, resumable: true });
  const cursor = `${sessions.find(request.credentials, undefined)?.id}.0`;
  const told: string[] = [];
  for (let n = 0; n < limits.rawFramesPerSecond + 3; n += 1) {
    const poll = newPoll();
    await sessions.open(poll.transport, { ...request, resumable: true, cursor });
    told.push(...poll.told);
  }
  // All but the last of those that got in were replaced by the next.
  t.is(told.filter((word) => word === 'flooding').length, 3);
  t.is(sessions.size, 1);
  sessions.close();
});

test('a client that asks for the same again and again gets no more of it in a second than it may send', async (t) => {
  const motd = 'x'.repeat(limits.historyBytes);
  const sessions = openSessions({}, { ...systemClock, now: () => 0 }, motd);
  await sessions.open(newPoll().transport, { ...request, resumable: true });
  const cursor = `${sessions.find(request.credentials, undefined)?.id}.0`;
  const told: string[] = [];
  for (let n = 0; n < 100; n += 1) {
    await turn();
    const poll = newPoll();
    await sessions.open(poll.transport, { ...request, resumable: true, cursor });
    told.push(...poll.told);
  }
  const bytes = told.filter((word) => word.includes(motd)).length * motd.length;
  t.true(bytes > 0 && bytes <= limits.rawBytesPerSecond, `${bytes} bytes`);
  t.is(sessions.size, 1);
  sessions.close();
});

test('a session whose outbox has run over is not resumed in the moment before it ends', async (t) => {
  const sessions = openSessions({}, { ...systemClock, after: () => () => {} });
  const events = await sessions.open(newTransport().transport, { ...request, resumable: true });
  await turn();
  events?.onClose(false);
  const session = sessions.find(request.credentials, undefined);
  const half = { bytes: Buffer.alloc(limits.outboxBytes) };
  session?.push([half, half]);
  const { transport, told } = newPoll();
  await sessions.open(transport, { ...request, resumable: true, cursor: `${session?.id}.1` });
  t.deepEqual(told, ['session-expired']);
  sessions.close();
});

test('how a user chats is told while the session is open, and not after', async (t) => {
  const clock = { ...systemClock, now: () => 1000 };
  const sessions = openSessions({}, clock);
  t.teardown(() => sessions.close());
  t.is(sessions.stateOf(1), undefined);
  const { transport } = newTransport();
  const events = await sessions.open(transport, request);
  t.deepEqual(sessions.stateOf(1), { transport: 'websocket', beganAt: 1000, rooms: [] });
  t.is(sessions.stateOf(2), undefined);
  events?.onClose(true);
  await turn();
  t.is(sessions.stateOf(1), undefined);
});

test('whoever was sent away does not count as chatting while a last message is being stored', async (t) => {
  const sessions = openSessions();
  await sessions.open(newTransport().transport, request);
  const [session] = sessions.all();
  const settled = session?.beginAppend();
  t.is(sessions.stateOf(1)?.transport, 'websocket');
  sessions.kickUser(1);
  t.is(sessions.size, 1);
  t.is(sessions.stateOf(1), undefined);
  settled?.();
  await session?.ended;
  t.is(sessions.size, 0);
});

test('a client that comes again while the last message of its former session is being stored gets in', async (t) => {
  const sessions = openSessions();
  t.teardown(() => sessions.close());
  await sessions.open(newPoll().transport, { ...request, resumable: true });
  const settled = sessions.find(request.credentials, undefined)?.beginAppend();
  const [first, second] = [newTransport(), newTransport()];
  const given = sessions.open(first.transport, { ...request, takeover: true });
  void given.then((events) => events?.onClose(false));
  await turn();
  const opening = sessions.open(second.transport, request);
  await turn();
  settled?.();
  t.truthy(await opening);
  t.deepEqual(second.closed, []);
  t.is(sessions.size, 1);
});
