/**
 * The way up of the transports that only receive: client messages as POSTs, one at a time, so that they arrive in order.
 * A POST whose fate is unknown is not repeated: the connection counts as broken, and after the resume it is known what
 * arrived.
 */
import { limits } from '../../protocol/limits.ts';
import { ask, type Line, retryAfterMs, withQuery } from './http.ts';
import { closeWaitMs, ownCloseCodes } from './transport.ts';

export const upstreamTimes = {
  /** Milliseconds a POST may take: the server answers once it has read it, and three seconds of that may be a test of life. */
  postMs: 15_000,
  /** Milliseconds until a POST that was refused for now is tried again, at least. */
  retryMs: 1_000,
} as const;

export type Upstream = {
  send: (text: string) => void;
  /** Posts, even when there is nothing to say. */
  proveLife: () => void;
  /** Ends the session. Resolves when the server has, or after a moment. */
  leave: () => Promise<void>;
  stop: () => void;
};

/** `onBroken` is called once, and not after `stop`. */
export function createUpstream(
  line: Line,
  path: string,
  session: () => string | undefined,
  onBroken: (code: number) => void,
): Upstream {
  const { timers } = line;
  const controller = new AbortController();
  const queue: string[] = [];
  let isDue = false;
  let isBusy = false;
  let pause: unknown;

  const stop = (): void => {
    timers.clearTimeout(pause);
    queue.length = 0;
    controller.abort();
  };
  const target = (): string => withQuery(path, { session: session() });
  /** Resolves with the milliseconds to wait before the same again; with undefined when it is done. */
  const post = (body: string): Promise<number | undefined> => {
    const { signal } = controller;
    const request = { method: 'POST', path: target(), body, signal, timeoutMs: upstreamTimes.postMs } as const;
    return ask(line, request, async (response) => {
      const text = await response.text();
      if (response.status === 202) return undefined;
      if (response.status === 429 || response.status === 503) {
        return Math.max(retryAfterMs(response) ?? 0, upstreamTimes.retryMs);
      }
      // Also 409: the session is gone, and opening the line again shows it.
      throw new Error(`POST ${path} was answered ${response.status}: ${text}`);
    });
  };
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      pause = timers.setTimeout(resolve, ms);
    });
  const run = async (): Promise<void> => {
    isBusy = true;
    // What is sent in the same turn goes together.
    await Promise.resolve();
    try {
      while ((isDue || queue.length > 0) && !controller.signal.aborted) {
        isDue = false;
        const body = takeBatch(queue);
        for (let ms = await post(body); ms !== undefined; ms = await post(body)) await wait(ms);
      }
    } catch {
      if (controller.signal.aborted) return;
      stop();
      onBroken(ownCloseCodes.broken);
    } finally {
      isBusy = false;
    }
  };
  const start = (): void => {
    if (!isBusy && !controller.signal.aborted) void run();
  };
  return {
    send(text) {
      queue.push(text);
      start();
    },
    proveLife() {
      isDue = true;
      start();
    },
    async leave() {
      stop();
      const known = session();
      if (known !== undefined) await endSession(line, known, path);
    },
    stop,
  };
}

/** Ends a session, over whatever it was opened. Never rejects; takes a moment at most. */
export async function endSession(line: Line, session: string, path = '/sse/chat'): Promise<void> {
  const { signal } = new AbortController();
  const asking = { method: 'DELETE', path: withQuery(path, { session }), signal, isLast: true } as const;
  await ask(line, { ...asking, timeoutMs: closeWaitMs }, (response) => response.text()).catch(() => {});
}

/** The next messages as a body: an array, or one message as it is, which alone may be as large as a body. */
function takeBatch(queue: string[]): string {
  const first = queue.shift();
  if (first === undefined) return '[]';
  const batch = [first];
  let bytes = sizeOf(first) + 2;
  while (batch.length < limits.batchMessages && queue[0] !== undefined) {
    bytes += sizeOf(queue[0]) + 1;
    if (bytes > limits.requestBodyBytes) break;
    batch.push(queue.shift() as string);
  }
  return batch.length === 1 ? first : `[${batch.join()}]`;
}

function sizeOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
