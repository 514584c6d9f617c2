/**
 * The least WebSocket client that can be told from a real one by nobody: a TCP socket, the opening handshake, whole
 * frames out and frames counted in. A client library per connection would cost more than the server that is measured.
 */
import { randomBytes } from 'node:crypto';
import type { OpenRawClient, RawClient, RawClientEvents } from './raw-client.ts';
import { connectDeadlineMs, openTcp } from './raw-tcp.ts';

/** `onOpen`: the server has accepted the upgrade. `onRefused`: it has not, or not within ten seconds. */
export type RawSocketEvents = RawClientEvents & { onOpen(): void; onRefused(why: string): void };

export const openRawSocket: OpenRawClient = (port, token, events) =>
  openAt(port, `/ws/chat?token=${encodeURIComponent(token)}`, events);

/** A session that outlives its connection: the server keeps what was sent lately. */
export const openRawResumable: OpenRawClient = (port, token, events) =>
  openAt(port, `/ws/chat?token=${encodeURIComponent(token)}&resume=1`, events);

function openAt(port: number, path: string, events: RawClientEvents): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const client = openWebSocket(port, path, {
      ...events,
      onOpen: () => resolve(client),
      onRefused: (why) => reject(new Error(why)),
    });
  });
}

/** What it returns may be used once it is open. `first`: a path that the connection asks for before, answered with 204. */
export function openWebSocket(port: number, path: string, events: RawSocketEvents, first?: string): RawClient {
  const reader = createFrameReader(events.onMessage, (frame) => socket.write(frame));
  let isOpen = false;
  let isFirst = first !== undefined;
  let head = '';
  const end = (): void => {
    clearTimeout(timer);
    socket.destroy();
  };
  const fail = (why: string): void => {
    end();
    if (!isOpen) events.onRefused(why);
  };
  const timer = setTimeout(() => fail('no answer to the upgrade'), connectDeadlineMs);
  const readHead = (chunk: Buffer): void => {
    head += chunk.toString('latin1');
    const headEnd = head.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    if (isFirst && head.startsWith('HTTP/1.1 204 ')) {
      isFirst = false;
      head = '';
      socket.write(upgradeRequest(port, path));
      return;
    }
    if (!head.startsWith('HTTP/1.1 101 ')) {
      fail(`the upgrade was refused: ${head.slice(0, head.indexOf('\r\n'))}`);
      return;
    }
    clearTimeout(timer);
    isOpen = true;
    events.onOpen();
    const rest = Buffer.from(head.slice(headEnd + 4), 'latin1');
    if (rest.length > 0) reader.push(rest);
  };
  const socket = openTcp(port, {
    onChunk: (chunk) => (isOpen ? reader.push(chunk) : readHead(chunk)),
    onEnd: (why) => {
      fail(why ?? 'the connection was closed during the upgrade');
      if (isOpen) events.onEnd(`closed with ${reader.closeCode}`);
    },
  });
  socket.write(
    first === undefined ? upgradeRequest(port, path) : `GET ${first} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
  );
  return { send: (message) => socket.write(textFrame(message)), end };
}

/** A client's text frame (RFC 6455 §5.2). The masking key is zero, which costs the server what any other does. */
function textFrame(text: string): Buffer {
  return clientFrame(0x1, Buffer.from(text, 'utf8'));
}

function clientFrame(opcode: number, payload: Buffer): Buffer {
  const wide = payload.length > 125;
  const frame = Buffer.alloc((wide ? 8 : 6) + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (wide ? 126 : payload.length);
  if (wide) frame.writeUInt16BE(payload.length, 2);
  payload.copy(frame, wide ? 8 : 6);
  return frame;
}

function upgradeRequest(port: number, path: string): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

type FrameReader = { push(chunk: Buffer): void; readonly closeCode: number };

function createFrameReader(onText: RawClientEvents['onMessage'], answer: (frame: Buffer) => void): FrameReader {
  // What is left of a frame whose end has not come.
  let rest: Buffer | undefined;
  let closeCode = 1006;

  function handle(opcode: number, bytes: Buffer, from: number, to: number): void {
    if (opcode === 0x1) onText(bytes, from, to);
    else if (opcode === 0x9) answer(clientFrame(0xa, bytes.subarray(from, to)));
    else if (opcode === 0x8) {
      closeCode = to - from >= 2 ? bytes.readUInt16BE(from) : 1005;
      // The other half of the closing handshake (RFC 6455 §5.5.1); the server ends the connection then.
      answer(clientFrame(0x8, bytes.subarray(from, to)));
    }
  }

  return {
    get closeCode() {
      return closeCode;
    },
    push: (chunk) => {
      const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      rest = undefined;
      let at = 0;
      while (at < bytes.length) {
        const short = at + 1 < bytes.length ? bytes[at + 1]! & 0x7f : 0;
        const header = short === 126 ? 4 : short === 127 ? 10 : 2;
        if (at + header > bytes.length) break;
        let length = short;
        if (short === 126) length = bytes.readUInt16BE(at + 2);
        else if (short === 127) length = Number(bytes.readBigUInt64BE(at + 2));
        const end = at + header + length;
        if (end > bytes.length) break;
        handle(bytes[at]! & 0x0f, bytes, at + header, end);
        at = end;
      }
      // A copy: the chunk is the shared buffer.
      if (at < bytes.length) rest = Buffer.from(bytes.subarray(at));
    },
  };
}
