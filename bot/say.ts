/**
 * Says an answer in a room, once. The client resends over its own reconnects; this goes on where the client ended and
 * began anew, always with the answer's ref, under which the server stores it once.
 */
import { ChatError, type Client, ConnectionError, FatalError, limits } from '../src/client/index.ts';
import { cutText } from './answer.ts';
import type { Wait } from './wait.ts';

export type SayDeps = {
  client: Pick<Client, 'send'>;
  wait: Wait;
  /** Milliseconds, monotonic. */
  now: () => number;
};

export type Say = (room: string, body: string, ref: string, signal: AbortSignal) => Promise<void>;

// A quote that comes later than this answers a question that nobody remembers.
const patienceMs = 60_000;
// Between two tries while the client begins anew.
const againMs = 1000;

export function createSay({ client, wait, now }: SayDeps): Say {
  return async (room, body, ref, signal) => {
    const deadline = now() + patienceMs;
    let maxLength: number = limits.bodyLength;
    for (;;) {
      const timeoutMs = Math.max(1, deadline - now());
      try {
        await client.send(room, cutText(body, maxLength), { ref, signal, timeoutMs });
        return;
      } catch (error) {
        // The answer stands there already, perhaps with the price of a moment ago.
        if (isCode(error, 'ref-reused')) return;
        const allowed = isCode(error, 'room:message-too-long') ? error.details.max_length : undefined;
        if (allowed !== undefined && allowed >= 1 && allowed < maxLength) {
          maxLength = allowed;
          continue;
        }
        if (signal.aborted || !mayPass(error) || now() + againMs > deadline) throw error;
      }
      await wait(againMs, signal);
    }
  };
}

/** The client has ended and begins anew, or has done so and is not back in the room yet. */
function mayPass(error: unknown): boolean {
  if (error instanceof FatalError) return true;
  if (error instanceof ConnectionError) return error.reason === 'not-connected' || error.reason === 'lost';
  return isCode(error, 'room:not-joined');
}

function isCode(error: unknown, code: ChatError['code']): error is ChatError {
  return error instanceof ChatError && error.code === code;
}
