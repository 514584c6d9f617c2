/**
 * Password hashes. bcrypt runs in libuv's four threads, which files and name look-ups need too: so only a few run at a
 * time, and a bounded number waits in a fair queue: one address that floods it keeps nobody else out.
 */
import bcrypt from 'bcrypt';
import { limits } from '../protocol/limits.ts';
import { createFairQueue } from './fair-queue.ts';

export type PasswordSettings = {
  /** bcrypt's cost, as a power of two. */
  rounds: number;
  /** Hashes computed at the same time; more than three count as three. */
  concurrency: number;
  /** Calls that may wait for their turn. */
  maxQueued: number;
};

/** Each method rejects with `Overloaded` when too many wait. `from`: who asks, an address; askers take turns. */
export type Passwords = {
  /** Rejects with a RangeError for more bytes than bcrypt reads: callers check first. */
  hash: (password: string, from?: string) => Promise<string>;
  /** False also for a password that bcrypt would cut; the answer takes as long as for another. */
  verify: (password: string, hash: string, from?: string) => Promise<boolean>;
  /** Takes as long as `verify` and is always false: for a user that does not exist. */
  verifyNothing: (password: string, from?: string) => Promise<false>;
};

// A hash that was made for no password: 22 characters of salt and 31 of hash, in bcrypt's alphabet.
const nobodySalt = 'N9qo8uLOickgx2ZMRZoMye';
const nobodyHash = '.'.repeat(31);
// When a queue of seconds is full, a client does well to stay away for about as long.
const retryAfterMs = 5_000;
// One of libuv's four threads stays free for files and name look-ups.
const maxConcurrency = 3;

export function createPasswords(settings: PasswordSettings): Passwords {
  const concurrency = Math.min(settings.concurrency, maxConcurrency);
  const queue = createFairQueue({ concurrency, maxQueued: settings.maxQueued, retryAfterMs });
  const nobody = `$2b$${String(settings.rounds).padStart(2, '0')}$${nobodySalt}${nobodyHash}`;

  const verifyNothing = async (password: string, from = ''): Promise<false> => {
    await queue.run(from, () => bcrypt.compare(readable(password), nobody));
    return false;
  };

  return {
    verifyNothing,
    async hash(password, from = '') {
      if (!isReadable(password)) throw new RangeError('bcrypt reads no more than 72 bytes of a password.');
      return queue.run(from, () => bcrypt.hash(password, settings.rounds));
    },
    async verify(password, hash, from = '') {
      return isReadable(password)
        ? queue.run(from, () => bcrypt.compare(password, hash))
        : verifyNothing(password, from);
    },
  };
}

function isReadable(password: string): boolean {
  return Buffer.byteLength(password) <= limits.passwordMaxBytes && !password.includes('\0');
}

/** Something that bcrypt can work on in place of a password it cannot read; nothing depends on the result. */
function readable(password: string): string {
  return isReadable(password) ? password : 'x';
}
