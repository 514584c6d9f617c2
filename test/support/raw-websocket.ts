/** A raw WebSocket client for tests: `ws` and JSON, and nothing of the project's own client. */
import type { ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import {
  type Collector,
  createCollector,
  createCounter,
  defaultDeadlineMs,
  endWithTest,
  isSessionNotification,
  type RawClient,
  type RawClientOptions,
} from './raw-collector.ts';

export type RawWebSocketClient = RawClient & {
  readonly transport: 'websocket';
  readonly socket: WebSocket;
};

/** Resolves once the WebSocket is open; rejects with the HTTP status when the server refuses the upgrade. */
export async function openRawWebSocket(
  t: ExecutionContext,
  url: string,
  options: RawClientOptions,
): Promise<RawWebSocketClient> {
  const address = new URL(options.path ?? '/ws/chat', url.replace(/^http/, 'ws'));
  const byHeader = options.by === 'header';
  const query = address.searchParams;
  if (options.token !== undefined && !byHeader) query.set('token', options.token);
  if (options.resume === true) query.set('resume', '1');
  if (options.takeover === true) query.set('takeover', '1');
  if (options.cursor !== undefined) query.set('cursor', options.cursor);
  const headers = options.token !== undefined && byHeader ? { authorization: `Token ${options.token}` } : {};
  const socket = new WebSocket(address, { headers, autoPong: options.mute !== true });
  const collector = createCollector();
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    // Stays for the connection's life: a later error is followed by `close`, which tests read.
    socket.on('error', (error) => reject(new Error(`The WebSocket did not open: ${error.message}`, { cause: error })));
  });
  socket.once('close', (code, reason) => collector.finish({ code, reason: reason.toString() }));
  endWithTest(t, collector, () => socket.terminate());
  const client = createClient(socket, collector, options);
  await opened;
  return client;
}

function createClient(socket: WebSocket, collector: Collector, options: RawClientOptions): RawWebSocketClient {
  const counter = createCounter(options.cursor);
  socket.on('message', (data, isBinary) => {
    if (isBinary) return collector.fail(new Error('The server sent a binary frame.'));
    const frame = collector.read(Buffer.isBuffer(data) ? data.toString('utf8') : '');
    if (frame === undefined) return;
    try {
      if (isSessionNotification(frame)) {
        if (options.resume !== true) throw new Error('The server told a session that nobody asked for.');
        counter.begin(frame);
        collector.wake();
        return;
      }
      if (options.resume === true && frame.type !== 'fatal') counter.count();
    } catch (error) {
      collector.fail(error as Error);
    }
    collector.add(frame);
  });
  const { frames, closed, asked, next, take } = collector;
  socket.on('ping', collector.noteAsked);
  const send = (message: object | string): void => {
    socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  };
  const settle = async (deadlineMs: number = defaultDeadlineMs): Promise<void> => {
    let isAnswered = false;
    socket.once('pong', () => {
      isAnswered = true;
      collector.wake();
    });
    socket.ping();
    await collector.waitFor(() => isAnswered || undefined, deadlineMs, 'a pong');
  };
  return {
    transport: 'websocket',
    frames,
    closed,
    asked,
    socket,
    get session() {
      return counter.session;
    },
    get cursor() {
      return counter.cursor;
    },
    send,
    next,
    take,
    ask(message, wanted, deadlineMs) {
      send(message);
      return next(wanted, deadlineMs);
    },
    settle,
    delivered: settle,
    pause: () => socket.pause(),
    unpause: () => socket.resume(),
    async close() {
      socket.close(1000);
      await closed;
    },
    cut: () => socket.terminate(),
  };
}
