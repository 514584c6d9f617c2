/**
 * WebSocket close codes (RFC 6455 §7.4; 4000–4999 are the application's) and whether a client comes back after each.
 * `retry`: `no` is terminal; `backoff` reconnects with growing waits; `jitter` reconnects after a random wait.
 */
export const closeCodes = {
  normal: { code: 1000, retry: 'no', meaning: 'ended normally, and after `logged-out`' },
  protocolError: { code: 1002, retry: 'backoff', meaning: 'the WebSocket protocol was violated' },
  invalidUtf8: { code: 1007, retry: 'backoff', meaning: 'a text frame was not UTF-8' },
  tooLarge: { code: 1009, retry: 'backoff', meaning: 'a client message was larger than 64 KiB' },
  internalError: { code: 1011, retry: 'backoff', meaning: 'the server met an error of its own' },
  restarting: { code: 1012, retry: 'jitter', meaning: 'the server restarts' },
  unavailable: { code: 1013, retry: 'jitter', meaning: 'the store cannot be reached' },
  notAuthenticated: { code: 4401, retry: 'no', meaning: 'no token, or one that is not valid' },
  kicked: { code: 4403, retry: 'no', meaning: 'sent away by an administrator' },
  tooSlow: { code: 4408, retry: 'backoff', meaning: 'read too slowly, or stayed silent' },
  alreadyChatting: { code: 4409, retry: 'no', meaning: 'the user is chatting over another connection' },
  resumedElsewhere: { code: 4410, retry: 'no', meaning: 'the session went on over another connection' },
  flooding: { code: 4429, retry: 'backoff', meaning: 'sent more frames or bytes a second than any client needs' },
} as const;

export type CloseName = keyof typeof closeCodes;
export type CloseCode = (typeof closeCodes)[CloseName]['code'];
export type Retry = (typeof closeCodes)[CloseName]['retry'];

/** Whether a client reconnects after a connection closed with `code`. An unknown code, or 1005/1006 of a cut line, is a passing fault. */
export function retryAfterClose(code: number): Retry {
  for (const entry of Object.values(closeCodes)) if (entry.code === code) return entry.retry;
  return 'backoff';
}
