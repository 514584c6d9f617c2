/**
 * Nchan's ways to hear a channel: WebSocket, event stream, long-poll. It knows no sessions and no joins: whoever opens
 * the URL of a room's channel is in the room, and what is published there is heard as it is. So each client tells itself
 * that it has joined, and publishes what others' servers would make of its message.
 */
import type { OpenRawClient, RawClient, RawClientEvents } from './raw-client.ts';
import { createResponseReader, header } from './raw-http.ts';
import { createSender } from './raw-post.ts';
import { openWebSocket } from './raw-socket.ts';
import { createEventReader } from './raw-stream.ts';
import { connectDeadlineMs, openTcp } from './raw-tcp.ts';

const joined = Buffer.from('{"type":"room:notification","code":"joined","you":true,"status":{}}');
const stamp = '2020-09-26 12:12:13';

export const openNchanSocket: OpenRawClient = (port, _token, events, room) =>
  new Promise((resolve, reject) => {
    const socket = openWebSocket(port, pathOf(room), {
      ...events,
      onOpen: () => {
        resolve(client);
        events.onMessage(joined, 0, joined.length);
      },
      onRefused: (why) => reject(new Error(why)),
    });
    const client = publishing(socket);
  });

/** The first answer's head says that the stream has begun. */
export const openNchanStream: OpenRawClient = (port, token, events, room) =>
  openRequest({ port, token, room, accept: 'text/event-stream' }, events, (_ask, open, fail) => {
    const eventReader = createEventReader(events.onMessage);
    return createResponseReader({
      onHead: (status) => (status === 200 ? open() : fail(`answered with ${status}`)),
      onPart: eventReader.push,
      onDone: () => fail('ended'),
    }).push;
  });

/** Nothing says that a poll waits; but the channel keeps what comes before it does. */
export const openNchanPoll: OpenRawClient = (port, token, events, room) =>
  openRequest({ port, token, room, accept: '*/*' }, events, (ask, open, fail) => {
    let body: Buffer[] = [];
    let place = '';
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
        ask(place);
        events.onMessage(message, 0, message.length);
      },
    }).push;
  });

type Read = (chunk: Buffer) => void;

/** A connection that asks for the channel; `read` makes what reads the answers, and says when the client has joined. */
function openRequest(
  { port, token, room, accept }: { port: number; token: string; room: string | undefined; accept: string },
  events: RawClientEvents,
  read: (ask: (headers: string) => void, open: () => void, fail: (how: string) => void) => Read,
): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const sender = createSender(port, pathOf(room), token, events, 1);
    const request = `GET ${pathOf(room)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: ${accept}\r\n`;
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
    const ask = (headers: string): void => {
      socket.write(`${request}${headers}\r\n`, 'latin1');
    };
    const timer = setTimeout(() => fail('not answered within ten seconds'), connectDeadlineMs);
    const onChunk = read(ask, open, fail);
    const socket = openTcp(port, { onChunk, onEnd: (why) => fail(why === undefined ? 'closed' : `cut: ${why}`) });
    ask('');
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
