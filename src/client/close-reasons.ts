/** What a close code says to this client. */
import { retryAfterClose } from '../protocol/close-codes.ts';
import type { EndReason } from './errors.ts';

/** Whether the code is the chat server's own, so that another transport would hear the same. */
export function isServersWord(code: number): boolean {
  return code >= 4_000 || retryAfterClose(code) !== 'backoff';
}

/** Why the client ends after a code that is terminal. */
export function reasonOfClose(code: number): EndReason {
  const reasons: Readonly<Record<number, EndReason>> = {
    4401: 'not-authenticated',
    4403: 'kicked',
    4409: 'already-chatting',
    4410: 'resumed-elsewhere',
  };
  return reasons[code] ?? 'ended';
}
