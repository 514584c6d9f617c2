import test from 'ava';
import type { CloseName } from '../protocol/close-codes.ts';
import type { Accounts, Principal } from './accounts.ts';
import { systemClock } from './clock.ts';
import { createCounters } from './counters.ts';
import type { SessionContext } from './session.ts';
import { Sessions } from './sessions.ts';
import type { Transport } from './transport.ts';
import { createTurn } from './turn.ts';

const principal: Principal = {
  user: { id: 1, username: 'alice', email: '', isSuperuser: false, isActive: true, createdAt: 0, lastLoginAt: null },
  token: { id: 1, userId: 1, label: null, createdAt: 0, lastUsedAt: null, expiresAt: null },
};

function openSessions(): Sessions {
  const counters = createCounters();
  const accounts = {
    authenticate: () => Promise.resolve(principal),
    touch: () => Promise.resolve(),
  } as Partial<Accounts> as Accounts;
  const turn = createTurn(systemClock);
  const context = { clock: systemClock, turn, counters } as Partial<SessionContext> as SessionContext;
  const log = { warn() {} };
  return new Sessions({ accounts, clock: systemClock, random: () => 'id', counters, context, motd: '', log });
}

function newTransport(): { transport: Transport; closed: CloseName[] } {
  const closed: CloseName[] = [];
  const transport: Transport = {
    kind: 'websocket',
    unwritten: () => 0,
    write() {},
    close: (name) => closed.push(name),
    ping() {},
  };
  return { transport, closed };
}

test('of two connections of one user that get through at the same instant, one is refused', async (t) => {
  for (let apart = 0; apart < 8; apart++) {
    const sessions = openSessions();
    const open = [newTransport(), newTransport()].map(async ({ transport, closed }, index) => {
      // The second comes a few steps after the first, within one turn of the event loop.
      for (let step = 0; step < index * apart; step++) await Promise.resolve();
      const session = sessions.open(transport, { kind: 'token', token: 'x' }, false);
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
