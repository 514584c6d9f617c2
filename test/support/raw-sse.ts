/** A raw client of the event stream for tests: node:http, and nothing of the project's own client. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { ExecutionContext } from 'ava';
import {
  type Collector,
  type Counter,
  createCollector,
  createCounter,
  endWithTest,
  isSessionNotification,
  type RawClient,
  type RawClientOptions,
} from './raw-collector.ts';
import { createEventStreamReader, type EventStreamReader, type StreamEvent } from './raw-event-stream.ts';
import { ask, createDoor, createUpstream, readAnswer, takeRefusal, type Upstream } from './raw-http.ts';

export type RawSseOptions = RawClientOptions & {
  /** The header by which a browser resumes. */
  lastEventId?: string;
  headers?: Record<string, string>;
};

export type RawSseClient = RawClient & {
  readonly transport: 'sse';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: Pick<EventStreamReader, 'comments' | 'lastEventId' | 'retryMs'>;
  /** Resolves when there are that many comments. */
  comments(count: number): Promise<void>;
  post: Upstream['post'];
  delete: Upstream['delete'];
};

/** Resolves once the server has answered; rejects with the HTTP status when it refuses with something else than a fatal. */
export async function openRawSse(t: ExecutionContext, url: string, options: RawSseOptions): Promise<RawSseClient> {
  const door = createDoor(url, options.path ?? '/sse/chat', options);
  const collector = createCollector();
  const upstream = createUpstream(door, collector);
  const { cursor, lastEventId } = options;
  const headers = { ...door.headers, ...options.headers };
  if (lastEventId !== undefined) headers['last-event-id'] = lastEventId;
  const query = { cursor, takeover: options.takeover === true ? '1' : undefined };
  // Not the upstream's agent: the stream holds its connection for as long as it lives.
  const opening = ask(door.address(query), { method: 'GET', headers: { accept: 'text/event-stream', ...headers } });
  const cut = (): void => {
    opening.cut();
    upstream.cut();
    collector.finish({});
  };
  endWithTest(t, collector, cut);
  const incoming = await opening.answer;
  const counter = createCounter(lastEventId ?? cursor);
  const status = incoming.statusCode ?? 0;
  const onEvent = (event: StreamEvent): void => {
    try {
      readEvent(event, collector, counter, upstream, options.mute === true);
    } catch (error) {
      collector.fail(error as Error);
    }
  };
  const reader = createEventStreamReader(onEvent, collector.wake);
  if (status === 200) follow(incoming, reader, collector);
  else takeRefusal(await readAnswer(incoming), collector);
  const { frames, closed, asked, next, take } = collector;
  return {
    transport: 'sse',
    frames,
    closed,
    asked,
    status,
    headers: incoming.headers,
    stream: reader,
    get session() {
      return counter.session;
    },
    get cursor() {
      return counter.cursor;
    },
    async comments(count) {
      await collector.waitFor(() => reader.comments.length >= count || undefined, 10_000, `${count} comments`);
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
    settle: upstream.settle,
    delivered: upstream.delivered,
    pause: () => incoming.pause(),
    unpause: () => incoming.resume(),
    async close() {
      const { status: answered, body } = await upstream.delete();
      if (answered !== 204) throw new Error(`A DELETE was answered ${answered}: ${JSON.stringify(body)}`);
      await closed;
    },
    cut,
  };
}

function follow(incoming: IncomingMessage, reader: EventStreamReader, collector: Collector): void {
  const type = incoming.headers['content-type'];
  if (type !== 'text/event-stream; charset=utf-8') collector.fail(new Error(`The stream has the type ${type}.`));
  incoming.on('data', (chunk: Buffer) => {
    try {
      reader.read(chunk);
    } catch (error) {
      collector.fail(error as Error);
    }
  });
  incoming.on('error', () => collector.finish({}));
  incoming.on('close', () => collector.finish(incoming.complete ? { status: 200 } : {}));
}

/** Holds an event against the contract: its type, its `id`, and where `session` stands. */
function readEvent(
  { id, type, data }: StreamEvent,
  collector: Collector,
  counter: Counter,
  upstream: Upstream,
  isMute: boolean,
): void {
  if (type !== 'message') throw new Error(`The stream has an event of type ${type}.`);
  const frame = collector.read(data);
  if (frame === undefined) return;
  const isSession = isSessionNotification(frame);
  const isFirst = counter.session === undefined;
  if (isSession) counter.begin(frame);
  // A browser that reconnects by itself presents what ended it, and is refused again.
  const expected = isSession ? undefined : frame.type === 'fatal' ? frame.code : isFirst ? 'nothing' : counter.count();
  if (id !== expected) throw new Error(`An event has the id ${id} in place of ${expected}: ${data.slice(0, 300)}`);
  if (isSession) return collector.wake();
  if (frame.code === 'ping') collector.noteAsked();
  if (frame.code === 'ping' && !isMute) upstream.send('[]');
  if (!upstream.takeSettled(frame)) collector.add(frame);
}
