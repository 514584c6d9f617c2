/**
 * The long-polling transport: asks, gets what is there or waits for it, and asks again. Each question names the cursor
 * of the last answer, so an answer that was lost on its way comes again. Sends by POST.
 */
import { limits } from '../../protocol/limits.ts';
import type { FetchLike, ResponseLike, Timers } from '../platform.ts';
import { ask, isFatal, placeOf, refuse, untilOver, withQuery } from './http.ts';
import { type OpenTransport, ownCloseCodes, parseMessage, type TransportEvents } from './transport.ts';
import { createUpstream } from './upstream.ts';

const path = '/poll/chat';

export const pollTimes = {
  /** Milliseconds that an answer may take longer than the server was asked to wait. */
  marginMs: 10_000,
  /**
   * Milliseconds below which an answer without news is quick. One may be: the server tests that this side lives. After
   * a second one in a row the client waits as long, or something that answers for the server would be asked in a loop.
   */
  quickMs: 1_000,
} as const;

type Answer = { cursor: string; messages: readonly unknown[] };

/** `base`: the server's http(s) URL without a trailing slash. `now`: milliseconds of a clock that does not jump. */
export function createPollTransport(base: string, fetch: FetchLike, timers: Timers, now: () => number): OpenTransport {
  return ({ token, cursor: start, takeover, session }, listeners) => {
    const line = { base, fetch, timers, token };
    const controller = new AbortController();
    const { signal } = controller;
    const events = untilOver(signal, listeners);
    const gate = createGate(timers);
    const end = (code: number): void => {
      events.onClosed(code);
      controller.abort();
      gate.close();
      upstream.stop();
    };
    const upstream = createUpstream(line, path, session, end);
    const poll = async (): Promise<void> => {
      let cursor = start;
      // The first answer comes at once: it tells whether the session goes on.
      let wait = start === undefined ? undefined : 0;
      // Only the first question: the others go on with the session that it began.
      let first = takeover ? { takeover: '1' } : {};
      for (let quick = 0; !signal.aborted; ) {
        const askedAt = now();
        const query = { cursor, wait: wait?.toString(), ...first };
        first = {};
        const timeoutMs = (wait ?? 0) * 1_000 + pollTimes.marginMs;
        const asking = { method: 'GET', path: withQuery(path, query), signal, timeoutMs } as const;
        const answer = await ask(line, asking, (response) => readAnswer(response, events));
        if (answer === undefined) return;
        // An old answer, or one of another session, from something on the way that keeps answers.
        if (!follows(answer, cursor)) return events.onClosed(ownCloseCodes.strange);
        if (cursor === undefined || wait === 0) announce(answer.cursor, start, events);
        tell(answer, cursor, events);
        const hasNews = answer.cursor !== cursor;
        quick = hasNews || wait === 0 || now() - askedAt >= pollTimes.quickMs ? 0 : quick + 1;
        ({ cursor } = answer);
        wait = limits.pollWaitSeconds;
        await gate.pass(quick > 1 ? pollTimes.quickMs : 0);
      }
    };
    poll().then(
      () => end(ownCloseCodes.broken),
      () => end(ownCloseCodes.broken),
    );
    return {
      send: upstream.send,
      hold: gate.hold,
      async close(how) {
        controller.abort();
        gate.close();
        if (how === 'leave') await upstream.leave();
        else upstream.stop();
      },
    };
  };
}

/** The answer to a poll; undefined where it was a refusal, which is told. */
async function readAnswer(response: ResponseLike, events: TransportEvents): Promise<Answer | undefined> {
  if (response.status !== 200) {
    await refuse(response, events);
    return undefined;
  }
  const answer = parseMessage(await response.text());
  if (isAnswer(answer)) return answer;
  events.onClosed(ownCloseCodes.strange);
  return undefined;
}

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== 'object' || value === null) return false;
  const { cursor, messages } = value as Partial<Answer>;
  return typeof cursor === 'string' && placeOf(cursor) !== undefined && Array.isArray(messages);
}

/** Whether the answer is to a question with the cursor `asked`: in the same session, and nothing left out. */
function follows({ cursor, messages }: Answer, asked: string | undefined): boolean {
  const from = asked === undefined ? undefined : placeOf(asked);
  const to = placeOf(cursor);
  const isSame = from === undefined || from.session === to?.session;
  const fatals = messages.filter((message) => isFatal(message)).length;
  return isSame && to?.n === (from?.n ?? 0) + messages.length - fatals;
}

function announce(cursor: string, start: string | undefined, events: TransportEvents): void {
  const session = placeOf(cursor)?.session ?? '';
  events.onSession(session, start !== undefined && placeOf(start)?.session === session);
}

/** Tells of an answer's messages. All but a fatal are counted, and the first follows the cursor that was asked with. */
function tell({ messages }: Answer, asked: string | undefined, events: TransportEvents): void {
  let n = asked === undefined ? 0 : (placeOf(asked)?.n ?? 0);
  for (const message of messages) {
    n += 1;
    events.onMessage(message, n);
  }
}

type Gate = {
  /** Resolves once `ms` have passed and nothing holds. */
  pass: (ms: number) => Promise<void>;
  hold: (isHeld: boolean) => void;
  /** Lets everything pass, also later. */
  close: () => void;
};

function createGate(timers: Timers): Gate {
  let isHeld = false;
  let timer: unknown;
  let onFree: (() => void) | undefined;
  const look = (): void => {
    if (isHeld || timer !== undefined) return;
    onFree?.();
    onFree = undefined;
  };
  return {
    pass(ms) {
      if (ms > 0) {
        timer = timers.setTimeout(() => {
          timer = undefined;
          look();
        }, ms);
      }
      return new Promise((resolve) => {
        onFree = resolve;
        look();
      });
    },
    hold(value) {
      isHeld = value;
      look();
    },
    close() {
      timers.clearTimeout(timer);
      timer = undefined;
      isHeld = false;
      look();
    },
  };
}
