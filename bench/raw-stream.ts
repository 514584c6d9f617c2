/** The least client of an event stream: one GET, and of each event the bytes of its data. */
import type { OpenRawClient } from './raw-client.ts';
import { createResponseReader } from './raw-http.ts';
import { createSender } from './raw-post.ts';
import { connectDeadlineMs, openTcp } from './raw-tcp.ts';

const newline = 0x0a;

/** Open once the first message is there: from then on there is a session that can be posted to. */
export const openRawStream: OpenRawClient = (port, token, events) =>
  new Promise((resolve, reject) => {
    const path = '/sse/chat';
    const sender = createSender(port, path, token, events);
    let isOpen = false;
    let refusal: number | undefined;
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      sender.end();
    };
    const fail = (why: string): void => {
      end();
      if (!isOpen) reject(new Error(why));
    };
    const eventReader = createEventReader((bytes, from, to) => {
      events.onMessage(bytes, from, to);
      if (isOpen) return;
      isOpen = true;
      clearTimeout(timer);
      resolve({ send: sender.send, end });
    });
    const reader = createResponseReader({
      onHead: (status) => {
        if (status !== 200) refusal = status;
      },
      onPart: (bytes, from, to) => {
        if (refusal === undefined) eventReader.push(bytes, from, to);
        else fail(`the stream was refused with ${refusal}: ${bytes.toString('utf8', from, to)}`);
      },
      onDone: () => fail('the stream was ended before it began'),
    });
    const timer = setTimeout(() => fail('no event within ten seconds'), connectDeadlineMs);
    const socket = openTcp(port, {
      onChunk: reader.push,
      onEnd: (why) => {
        fail(why ?? 'the connection was closed before the stream began');
        if (isOpen) events.onEnd(why === undefined ? 'closed' : `cut: ${why}`);
      },
    });
    socket.write(
      `GET ${path}?token=${encodeURIComponent(token)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`,
    );
  });

type EventReader = { push: (bytes: Buffer, from: number, to: number) => void };

/**
 * Lines of an event stream (WHATWG HTML, 9.2.6). Each message is one `data:` line, so the line is taken when it ends:
 * the empty line behind it, ids, comments and `retry:` are passed over.
 */
export function createEventReader(onData: (bytes: Buffer, from: number, to: number) => void): EventReader {
  // What is left of a line whose end has not come.
  let rest: Buffer | undefined;
  return {
    push: (part, partFrom, partTo) => {
      let [bytes, at, to] = [part, partFrom, partTo];
      if (rest !== undefined) {
        bytes = Buffer.concat([rest, part.subarray(partFrom, partTo)]);
        [at, to, rest] = [0, bytes.length, undefined];
      }
      while (at < to) {
        const end = bytes[at] === newline ? at : bytes.indexOf(newline, at);
        if (end === -1 || end >= to) {
          // A copy: the part lies in the shared buffer.
          rest = Buffer.from(bytes.subarray(at, to));
          return;
        }
        // "da": no other field begins so. A space behind the colon is not part of the data.
        if (bytes[at] === 0x64 && bytes[at + 1] === 0x61) onData(bytes, at + (bytes[at + 5] === 0x20 ? 6 : 5), end);
        at = end + 1;
      }
    },
  };
}
