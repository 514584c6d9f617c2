/**
 * Nchan's ways to hear a channel: WebSocket, event stream, long-poll. It knows no sessions and no joins: whoever opens
 * the URL of a room's channel is in the room, and what is published there is heard as it is. So each client tells itself
 * that it has joined, and publishes what others' servers would make of its message.
 *
 * Who is in a room asks for something else first. nginx switches Nagle's algorithm off where a connection is kept for a
 * second request (or has TLS), and Nchan nowhere: on the first one a message would wait until the one before it is
 * acknowledged, which Linux puts off by up to 40 ms, and next to nothing would be left of Nchan's speed.
 */
import type { OpenRawClient, RawClient, RawClientEvents } from './raw-client.ts';
import { createResponseReader, header } from './raw-http.ts';
import { createSender } from './raw-post.ts';
import { openWebSocket } from './raw-socket.ts';
import { createEventReader } from './raw-stream.ts';
import { connectDeadlineMs, openTcp } from './raw-tcp.ts';

const joined = Buffer.from('{"type":"room:notification","code":"joined","you":true,"status":{}}');
const stamp = '2020-09-26 12:12:13';
/** Answered with 204. */
export const warmUpPath = '/warm-up';

export const openNchanSocket: OpenRawClient = (port, _token, events, room) =>
  new Promise((resolve, reject) => {
    const socketEvents = {
      ...events,
      onOpen: () => {
        resolve(client);
        events.onMessage(joined, 0, joined.length);
      },
      onRefused: (why: string) => reject(new Error(why)),
    };
    const socket = openWebSocket(port, pathOf(room), socketEvents, room && warmUpPath);
    const client = publishing(socket);
  });

/** The first answer's head says that the stream has begun. */
export const openNchanStream: OpenRawClient = (port, token, events, room) =>
  openRequest({ port, token, room, accept: 'text/event-stream' }, events, (ask, open, fail) => {
    const eventReader = createEventReader(events.onMessage);
    let isWarmingUp = room !== undefined;
    ask(isWarmingUp ? warmUpPath : pathOf(room));
    return createResponseReader({
      onHead: (status) => {
        if (status !== (isWarmingUp ? 204 : 200)) fail(`answered with ${status}`);
        else if (!isWarmingUp) open();
      },
      onPart: eventReader.push,
      onDone: (status) => {
        if (!isWarmingUp || status !== 204) {
          fail('ended');
          return;
        }
        isWarmingUp = false;
        ask(pathOf(room));
      },
    }).push;
  });

/** Nothing says that a poll waits; but the channel keeps what comes before it does. From the second one on it is warm. */
export const openNchanPoll: OpenRawClient = (port, token, events, room) =>
  openRequest({ port, token, room, accept: '*/*' }, events, (ask, open, fail) => {
    let body: Buffer[] = [];
    let place = '';
    ask(pathOf(room));
    setImmediate(open);
    return createResponseReader({
      onHead: (_status, head) => {
        place = `If-Modified-Since: ${header(head, 'last-modified')}\r\nIf-None-Match: ${header(head, 'etag')}\r\n`;
      },
      onPart: (bytes, from, to) => {
        body.push(Buffer.from(bytes.subarray(from, to)));
      },
      onDone: (status) => {
        const message = Buffer.concat(body);
        body = [];
        if (status !== 200) {
          fail(`answered with ${status}`);
          return;
        }
        ask(pathOf(room), place);
        events.onMessage(message, 0, message.length);
      },
    }).push;
  });

type Ask = (path: string, headers?: string) => void;
type Read = (chunk: Buffer) => void;

/** A connection that asks for the channel; `read` makes what reads the answers, and says when the client has joined. */
function openRequest(
  { port, token, room, accept }: { port: number; token: string; room: string | undefined; accept: string },
  events: RawClientEvents,
  read: (ask: Ask, open: () => void, fail: (how: string) => void) => Read,
): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const sender = createSender(port, pathOf(room), token, events, 1);
    const head = ` HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: ${accept}\r\n`;
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      sender.end();
    };
    const fail = (how: string): void => {
      end();
      reject(new Error(`the channel was ${how}`));
      events.onEnd(how);
    };
    const open = (): void => {
      clearTimeout(timer);
      resolve(publishing({ send: sender.send, end }));
      events.onMessage(joined, 0, joined.length);
    };
    const ask: Ask = (path, headers = '') => {
      socket.write(`GET ${path}${head}${headers}\r\n`, 'latin1');
    };
    const timer = setTimeout(() => fail('not answered within ten seconds'), connectDeadlineMs);
    const socket = openTcp(port, {
      onChunk: (chunk) => onChunk(chunk),
      onEnd: (why) => fail(why === undefined ? 'closed' : `cut: ${why}`),
    });
    const onChunk = read(ask, open, fail);
  });
}

// Whoever does nothing does it in a room, too.
function pathOf(room = 'idle'): string {
  return `/room/${room}`;
}

function publishing({ send, end }: RawClient): RawClient {
  return {
    send: (message) => {
      const { type, room_name, body } = JSON.parse(message) as Record<string, string>;
      if (type === 'join') return;
      const fields = { code: 'message', you: false, user: 'user-0001', room_name, body, id: 1_000_000, stamp };
      send(JSON.stringify({ type: 'room:notification', ...fields }));
    },
    end,
  };
}
