/**
 * The least WebSocket client that can be told from a real one by nobody: a TCP socket, the opening handshake, whole
 * frames out and frames counted in. A client library per connection would cost more than the server that is measured.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export type RawSocketEvents = {
  /** A text frame's payload, valid only during the call. */
  onFrame(payload: Buffer): void;
  /** The connection is gone; `code` is that of the close frame, 1006 when there was none. */
  onEnd(code: number): void;
};

export type RawSocket = { send(frame: Buffer): void; end(): void };

// One buffer for all: Node reads into it and calls back before the next read, of any socket.
const shared = Buffer.allocUnsafe(256 * 1024);
const connectDeadlineMs = 10_000;

/** Resolves once the server has accepted the upgrade; rejects with its status, or after ten seconds. */
export function openRawSocket(port: number, path: string, events: RawSocketEvents): Promise<RawSocket> {
  return new Promise((resolve, reject) => {
    const reader = createFrameReader(events, (frame) => socket.write(frame));
    let isOpen = false;
    let head = '';
    const fail = (why: string): void => {
      clearTimeout(timer);
      socket.destroy();
      if (!isOpen) reject(new Error(why));
    };
    const timer = setTimeout(() => fail('no answer to the upgrade'), connectDeadlineMs);
    const socket: Socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (length) => {
          const chunk = shared.subarray(0, length);
          if (isOpen) {
            reader.push(chunk);
            return true;
          }
          head += chunk.toString('latin1');
          const end = head.indexOf('\r\n\r\n');
          if (end === -1) return true;
          if (!head.startsWith('HTTP/1.1 101 ')) {
            fail(`the upgrade was refused: ${head.slice(0, head.indexOf('\r\n'))}`);
            return true;
          }
          clearTimeout(timer);
          isOpen = true;
          resolve({ send: (frame) => socket.write(frame), end: () => socket.destroy() });
          const rest = Buffer.from(head.slice(end + 4), 'latin1');
          if (rest.length > 0) reader.push(rest);
          return true;
        },
      },
    });
    socket.once('connect', () => socket.write(upgradeRequest(port, path)));
    socket.on('error', (error) => fail(error.message));
    socket.once('close', () => {
      fail('the connection was closed during the upgrade');
      if (isOpen) events.onEnd(reader.closeCode);
    });
  });
}

/** A client's text frame (RFC 6455 §5.2). The masking key is zero, which costs the server what any other does. */
export function textFrame(text: string): Buffer {
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

function createFrameReader(events: RawSocketEvents, answer: (frame: Buffer) => void): FrameReader {
  // What is left of a frame whose end has not come.
  let rest: Buffer | undefined;
  let closeCode = 1006;

  function handle(opcode: number, payload: Buffer): void {
    if (opcode === 0x1) events.onFrame(payload);
    else if (opcode === 0x9) answer(clientFrame(0xa, payload));
    else if (opcode === 0x8) {
      closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      // The other half of the closing handshake (RFC 6455 §5.5.1); the server ends the connection then.
      answer(clientFrame(0x8, payload));
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
        handle(bytes[at]! & 0x0f, bytes.subarray(at + header, end));
        at = end;
      }
      // A copy: the chunk is the shared buffer.
      if (at < bytes.length) rest = Buffer.from(bytes.subarray(at));
    },
  };
}
