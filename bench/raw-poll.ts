/** The least client of long-polling: asks again at once with the new cursor, on the same connection. */
import type { OpenRawClient, RawClientEvents } from './raw-client.ts';
import { createResponseReader } from './raw-http.ts';
import { createSender } from './raw-post.ts';
import { connectDeadlineMs, openTcp } from './raw-tcp.ts';

const waitSeconds = 25;
const opening = '{"cursor":"';
// A quote inside a string is escaped, so these bytes begin a message and nothing else.
const messageStart = Buffer.from('{"type":"');

export const openRawPoll: OpenRawClient = (port, token, events) =>
  new Promise((resolve, reject) => {
    const path = '/poll/chat';
    const sender = createSender(port, path, token, events);
    const address = `GET ${path}?token=${encodeURIComponent(token)}`;
    const headers = ` HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    let body: Buffer[] = [];
    let cursor: string | undefined;
    let count = 0;
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      sender.end();
    };
    const fail = (how: string): void => {
      end();
      if (cursor === undefined) reject(new Error(`the poll was ${how}`));
      else events.onEnd(how);
    };
    const take = (status: number, answer: Buffer): void => {
      const read = status === 200 ? readAnswer(answer, events) : undefined;
      if (read === undefined) {
        fail(`answered with ${status}: ${answer.toString('utf8', 0, 200)}`);
        return;
      }
      count += read.messages;
      // The cursor counts the session's messages too: a wrong sum means that some were lost, or come twice.
      const isFirst = cursor === undefined;
      cursor = read.cursor;
      if (Number(cursor.slice(cursor.lastIndexOf('.') + 1)) !== count) {
        fail(`answered with ${count} messages in all under the cursor ${cursor}`);
        return;
      }
      socket.write(`${address}&cursor=${encodeURIComponent(cursor)}&wait=${waitSeconds}${headers}`, 'latin1');
      if (!isFirst) return;
      clearTimeout(timer);
      resolve({ send: sender.send, end });
    };
    const reader = createResponseReader({
      onPart: (bytes, from, to) => {
        body.push(Buffer.from(bytes.subarray(from, to)));
      },
      onDone: (status) => {
        const [first] = body;
        const answer = body.length === 1 && first !== undefined ? first : Buffer.concat(body);
        body = [];
        take(status, answer);
      },
    });
    const timer = setTimeout(() => fail('not answered within ten seconds'), connectDeadlineMs);
    const socket = openTcp(port, {
      onChunk: reader.push,
      onEnd: (why) => fail(why === undefined ? 'closed' : `cut: ${why}`),
    });
    socket.write(`${address}${headers}`, 'latin1');
  });

/** `{"cursor":"…","messages":[…]}`, not parsed: only the places where messages begin are looked for. */
function readAnswer(answer: Buffer, events: RawClientEvents): { cursor: string; messages: number } | undefined {
  const cursorEnd = answer.indexOf(0x22, opening.length);
  if (cursorEnd === -1 || answer.toString('latin1', 0, opening.length) !== opening) return undefined;
  const cursor = answer.toString('latin1', opening.length, cursorEnd);
  let messages = 0;
  for (let at = answer.indexOf(messageStart, cursorEnd); at !== -1; messages += 1) {
    const next = answer.indexOf(messageStart, at + messageStart.length);
    // Behind it stands the comma before the next one, or the end of array and object.
    events.onMessage(answer, at, next === -1 ? answer.length - 2 : next - 1);
    at = next;
  }
  return { cursor, messages };
}
