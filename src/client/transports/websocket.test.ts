import test from 'ava';
import { createManualTimers } from '../../../test/support/manual-timers.ts';
import type { WebSocketConstructor } from '../platform.ts';
import type { OpenOptions, TransportEvents } from './transport.ts';
import { createWebSocketTransport } from './websocket.ts';

const silent: TransportEvents = { onSession() {}, onMessage() {}, onAlive() {}, onClosed() {} };

const opening = (token: string | undefined, cursor?: string): OpenOptions => ({
  token,
  cursor,
  takeover: false,
  session: () => undefined,
});

/** A socket that does nothing by itself. */
function createSocket(): {
  WebSocket: WebSocketConstructor;
  urls: string[];
  fire: (type: string, event: object) => void;
} {
  const listeners = new Map<string, (event: never) => void>();
  const urls: string[] = [];
  class Socket {
    constructor(url: string) {
      urls.push(url);
    }
    addEventListener(type: string, listener: (event: never) => void): void {
      listeners.set(type, listener);
    }
    send(): void {}
    close(): void {}
  }
  return { WebSocket: Socket, urls, fire: (type, event) => listeners.get(type)?.(event as never) };
}

test('the URL is that of the server, with its scheme, its path and the token encoded', (t) => {
  const { WebSocket, urls } = createSocket();
  const timers = createManualTimers();
  createWebSocketTransport('http://a.example:8000', WebSocket, timers)(opening('t'), silent);
  createWebSocketTransport('https://a.example/chat', WebSocket, timers)(opening('a&b', 's.7'), silent);
  createWebSocketTransport('https://a.example', WebSocket, timers)(opening(undefined), silent);
  t.deepEqual(urls, [
    'ws://a.example:8000/ws/chat?token=t&resume=1',
    'wss://a.example/chat/ws/chat?token=a%26b&resume=1&cursor=s.7',
    'wss://a.example/ws/chat?resume=1',
  ]);
});

test('messages and the end are passed on, binary frames are not', (t) => {
  const { WebSocket, fire } = createSocket();
  const seen: unknown[] = [];
  createWebSocketTransport(
    'http://a.example',
    WebSocket,
    createManualTimers(),
  )(opening('t'), { ...silent, onMessage: (message) => seen.push(message), onClosed: (code) => seen.push(code) });
  fire('message', { data: '"one"' });
  fire('message', { data: '{' });
  fire('message', { data: new ArrayBuffer(1) });
  fire('error', {});
  fire('close', { code: 1013 });
  fire('message', { data: 'late' });
  t.deepEqual(seen, ['one', undefined, 1013]);
});

test('close waits a second at most, and nothing is told after it', async (t) => {
  const { WebSocket, fire } = createSocket();
  const timers = createManualTimers();
  const transport = createWebSocketTransport(
    'http://a.example',
    WebSocket,
    timers,
  )(opening('t'), { ...silent, onMessage: () => t.fail(), onClosed: () => t.fail() });
  const closed = transport.close('leave');
  fire('message', { data: 'late' });
  timers.advance(1_000);
  await closed;
  fire('close', { code: 1006 });
  await transport.close('leave');
  t.deepEqual(timers.waits, []);
});
