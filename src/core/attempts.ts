/**
 * Throttles of log-ins and registrations, with their limits and reasons. Counting is the AttemptCounter's; this file
 * decides what is counted under which key. Guessing is slowed per name and address; nobody can lock somebody else out.
 */
import { limits } from '../protocol/limits.ts';
import { foldName } from '../protocol/text.ts';
import { TooManyAttempts } from './errors.ts';
import type { AttemptCounter } from './ports.ts';

const minuteMs = 60_000;

export type AttemptLimit = 'loginOfNameFromAddress' | 'loginFromAddress' | 'loginOfName' | 'registrationFromAddress';

export const attemptLimits: Readonly<Record<AttemptLimit, { limit: number; windowMs: number }>> = {
  /** One name from one address: a person who mistypes needs a handful of tries, a guesser thousands. */
  loginOfNameFromAddress: { limit: 10, windowMs: 5 * minuteMs },
  /** One address, whatever the names: an office or a school stands behind one, and all its people come at nine o'clock. */
  loginFromAddress: { limit: 300, windowMs: 5 * minuteMs },
  /** One name from anywhere: far above what any one address may do, so that only many addresses together could keep its owner out, and only for this window. */
  loginOfName: { limit: 1000, windowMs: 5 * minuteMs },
  /** Accounts made from one address: a class registers in one hour; a script that fills the table does not. */
  registrationFromAddress: { limit: 200, windowMs: 60 * minuteMs },
};

/** `address`: the client's address, or its network where one client owns many addresses. */
export interface Attempts {
  /** Counts a log-in that begins. Rejects with `TooManyAttempts`. */
  login(username: string, address: string): Promise<void>;
  /** A log-in went well: its name is not counted against this address any more. */
  loggedIn(username: string, address: string): Promise<void>;
  /** Counts a registration. Rejects with `TooManyAttempts`. */
  registration(address: string): Promise<void>;
}

export function createAttempts(counter: AttemptCounter): Attempts {
  const count = async (keys: Parameters<AttemptCounter['count']>[0]): Promise<void> => {
    const { allowed, retryAfterMs } = await counter.count(keys);
    if (!allowed) throw new TooManyAttempts(retryAfterMs);
  };
  return {
    async login(username, address) {
      await count([
        { key: nameFromAddress(username, address), ...attemptLimits.loginOfNameFromAddress },
        { key: `login-address ${address}`, ...attemptLimits.loginFromAddress },
      ]);
      // Only now: what was refused to one address must not add up against the name's owner.
      await count([{ key: `login-name ${nameKey(username)}`, ...attemptLimits.loginOfName }]);
    },
    async loggedIn(username, address) {
      await counter.forget([nameFromAddress(username, address)]);
    },
    async registration(address) {
      await count([{ key: `registration-address ${address}`, ...attemptLimits.registrationFromAddress }]);
    },
  };
}

/** With rate limits switched off: nothing is counted. */
export const unlimitedAttempts: Attempts = {
  login: () => Promise.resolve(),
  loggedIn: () => Promise.resolve(),
  registration: () => Promise.resolve(),
};

function nameFromAddress(username: string, address: string): string {
  return `login ${address} ${nameKey(username)}`;
}

/** Bounded, since a name in a request may be as long as its body. */
function nameKey(username: string): string {
  return foldName(username.slice(0, 2 * limits.usernameLength)).slice(0, limits.usernameLength);
}
