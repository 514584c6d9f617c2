/** The sessions of one node without a server, and connections that keep what they are told. */
import type { Accounts, Principal } from '../../src/core/accounts.ts';
import { randomText, systemClock } from '../../src/core/clock.ts';
import { createCounters } from '../../src/core/counters.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { SessionContext } from '../../src/core/session-context.ts';
import { Sessions } from '../../src/core/sessions.ts';
import { createTokenBuckets } from '../../src/core/token-bucket.ts';
import type { OpenRequest, Transport } from '../../src/core/transport.ts';
import { createTurn } from '../../src/core/turn.ts';
import type { CloseName } from '../../src/protocol/close-codes.ts';
import { closeAfter } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';

export const principal: Principal = {
  user: {
    id: 1,
    username: 'alice',
    email: '',
    isSuperuser: false,
    isActive: true,
    createdAt: 0,
    lastLoginAt: null,
    ban: null,
    mutedUntil: null,
  },
  token: { id: 1, userId: 1, label: null, createdAt: 0, lastUsedAt: null, expiresAt: null },
};

export const request: OpenRequest = {
  credentials: { kind: 'token', token: 'x' },
  takeover: false,
  resumable: false,
  cursor: undefined,
};

/** Everybody who comes is `principal`, unless `others` say so. */
export function openSessions(others: Partial<Accounts> = {}, clock: Clock = systemClock, motd = ''): Sessions {
  const counters = createCounters();
  const accounts = {
    authenticate: () => Promise.resolve(principal),
    touch: () => Promise.resolve(),
    ...others,
  } as Partial<Accounts> as Accounts;
  const context = {
    clock,
    turn: createTurn(systemClock),
    counters,
    rateLimits: true,
    messageBuckets: createTokenBuckets({ ratePerSecond: limits.messagesPerSecond, burst: limits.messageBurst, clock }),
    outboxBytes: limits.outboxBytes,
    graceSeconds: limits.graceSeconds,
    pollGapSeconds: limits.pollGapSeconds,
  } as Partial<SessionContext> as SessionContext;
  const log = { warn() {} };
  return new Sessions({ accounts, clock, random: randomText, counters, context, motd, log });
}

/** A WebSocket that keeps how it was closed. */
export function newTransport(): { transport: Transport; closed: CloseName[] } {
  const closed: CloseName[] = [];
  const transport: Transport = {
    kind: 'websocket',
    unwritten: () => 0,
    write() {},
    refuse: (code) => closed.push(closeAfter(code)),
    close: (name) => closed.push(name),
    ping() {},
  };
  return { transport, closed };
}

/** A poll that keeps what it is told. */
export function newPoll(): { transport: Transport; told: string[] } {
  const told: string[] = [];
  const transport: Transport = {
    kind: 'poll',
    unwritten: () => 0,
    write: (frames) => void told.push(...frames.map(({ bytes }) => bytes.toString())),
    refuse: (code) => void told.push(code),
    close: (name) => void told.push(name),
    ping() {},
  };
  return { transport, told };
}
