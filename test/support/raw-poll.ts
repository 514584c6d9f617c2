/** A raw client of the poll for tests: node:http, and nothing of the project's own client. */
import { Agent } from 'node:http';
import type { ExecutionContext } from 'ava';
import {
  type Collector,
  createCollector,
  endWithTest,
  type RawClient,
  type RawClientOptions,
  type RawFrame,
  splitCursor,
} from './raw-collector.ts';
import {
  ask,
  createDoor,
  createUpstream,
  type Door,
  type HttpAnswer,
  readAnswer,
  takeRefusal,
  type Upstream,
} from './raw-http.ts';

export type RawPollOptions = RawClientOptions & {
  /** Seconds that a poll waits; left to the server if left out. */
  wait?: number;
  /** Asks nothing by itself, not even first. */
  byHand?: boolean;
};

export type RawPollClient = RawClient & {
  readonly transport: 'poll';
  /** One poll by hand, whose answer goes to nobody else. */
  poll(query?: { cursor?: string | undefined; wait?: string; takeover?: string }): Promise<HttpAnswer>;
  post: Upstream['post'];
  delete: Upstream['delete'];
};

/** Resolves after the first answer; rejects with the HTTP status when it is neither that nor a fatal. */
export async function openRawPoll(t: ExecutionContext, url: string, options: RawPollOptions): Promise<RawPollClient> {
  const door = createDoor(url, options.path ?? '/poll/chat', options);
  const collector = createCollector();
  const upstream = createUpstream(door, collector);
  const loop = createLoop(door, collector, upstream, options);
  const cut = (): void => {
    loop.cut();
    upstream.cut();
    collector.finish({});
  };
  endWithTest(t, collector, cut);
  if (options.byHand !== true) await loop.open();
  const { frames, closed, asked, next, take } = collector;
  return {
    transport: 'poll',
    frames,
    closed,
    asked,
    session: undefined,
    get cursor() {
      return loop.cursor;
    },
    async poll(query = {}) {
      return readAnswer(await ask(door.address(query), { method: 'GET', headers: door.headers }).answer);
    },
    send: upstream.send,
    post: upstream.post,
    delete: upstream.delete,
    next,
    take,
    ask(message, wanted, deadlineMs) {
      upstream.send(message);
      return next(wanted, deadlineMs);
    },
    async settle(deadlineMs) {
      await upstream.settle(deadlineMs);
      // Behind the next poll, which was asked when the answer came: it waits at the server then.
      await upstream.delivered();
    },
    delivered: upstream.delivered,
    pause: loop.pause,
    unpause: loop.unpause,
    async close() {
      const { status, body } = await upstream.delete();
      if (status !== 204) throw new Error(`A DELETE was answered ${status}: ${JSON.stringify(body)}`);
      await closed;
    },
    cut,
  };
}

type Loop = {
  readonly cursor: string | undefined;
  /** The first poll; those that follow go on by themselves. */
  open: () => Promise<void>;
  pause: () => void;
  unpause: () => void;
  cut: () => void;
};

function createLoop(door: Door, collector: Collector, upstream: Upstream, options: RawPollOptions): Loop {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let cursor = options.cursor;
  let isPaused = false;
  let isAsking = false;
  let cutAnswer: () => void = () => {};

  async function once(query: { wait?: string | undefined; takeover?: string | undefined }): Promise<void> {
    const asking = ask(door.address({ cursor, ...query }), { method: 'GET', headers: door.headers, agent });
    cutAnswer = asking.cut;
    const answer = await readAnswer(await asking.answer);
    if (answer.status !== 200) return takeRefusal(answer, collector);
    const before = cursor;
    cursor = takeAnswer(answer, before, collector, upstream);
    if (cursor !== before || query.wait === '0') return;
    // No messages: the wait is over, or the server wants to see whether it comes again.
    collector.noteAsked();
    if (options.mute === true) isPaused = true;
  }

  const goesOn = (): boolean => !isPaused && !collector.hasEnded;

  async function run(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    try {
      while (goesOn()) await once({ wait: options.wait === undefined ? undefined : String(options.wait) });
    } catch (error) {
      // A connection that broke: cut by the test, or by the server.
      if (!collector.hasEnded && !isBroken(error)) collector.fail(error as Error);
      collector.finish({});
    }
    isAsking = false;
  }

  return {
    get cursor() {
      return cursor;
    },
    async open() {
      // Whether a session goes on is answered at once, also when nothing is due.
      const wait = cursor === undefined ? undefined : '0';
      await once({ wait, takeover: options.takeover === true ? '1' : undefined });
      void run();
    },
    pause() {
      isPaused = true;
    },
    unpause() {
      isPaused = false;
      void run();
    },
    cut() {
      cutAnswer();
      agent.destroy();
    },
  };
}

function isBroken(error: unknown): boolean {
  return ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(String((error as { code?: unknown }).code));
}

/** Takes the messages of an answer, and returns its cursor; throws when the two don't fit. */
function takeAnswer(
  { body }: HttpAnswer,
  presented: string | undefined,
  collector: Collector,
  upstream: Upstream,
): string {
  const { cursor, messages } = body as { cursor: unknown; messages: unknown };
  if (typeof cursor !== 'string' || !/^[^.]{1,40}\.\d+$/.test(cursor) || !Array.isArray(messages)) {
    throw new Error(`No answer to a poll: ${JSON.stringify(body).slice(0, 300)}`);
  }
  const frames = messages.map((message) => collector.read(JSON.stringify(message)) ?? {});
  const [session, before] = presented === undefined ? [splitCursor(cursor)[0], 0] : splitCursor(presented);
  const expected = `${session}.${before + frames.filter((frame) => frame.type !== 'fatal').length}`;
  if (cursor !== expected) throw new Error(`The cursor is ${cursor} in place of ${expected}.`);
  for (const frame of frames) if (!upstream.takeSettled(frame)) collector.add(frame);
  if (frames.some(isEnd)) collector.finish({ status: 200 });
  return cursor;
}

/** After one of these a client does not ask again. */
function isEnd(frame: RawFrame): boolean {
  return frame.type === 'fatal' || frame.code === 'logged-out';
}
