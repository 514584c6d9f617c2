import test from 'ava';
import { createManualTimers } from '../../../test/support/manual-timers.ts';
import type { WebSocketConstructor } from '../platform.ts';
import { createWebSocketTransport } from './websocket.ts';

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
  const events = { onText: () => {}, onClosed: () => {} };
  const timers = createManualTimers();
  createWebSocketTransport('http://a.example:8000', WebSocket, timers)('t', events);
  createWebSocketTransport('https://a.example/chat', WebSocket, timers)('a&b', events);
  createWebSocketTransport('https://a.example', WebSocket, timers)(undefined, events);
  t.deepEqual(urls, [
    'ws://a.example:8000/ws/chat?token=t',
    'wss://a.example/chat/ws/chat?token=a%26b',
    'wss://a.example/ws/chat',
  ]);
});

test('text and the end are passed on, binary frames are not', (t) => {
  const { WebSocket, fire } = createSocket();
  const seen: unknown[] = [];
  createWebSocketTransport(
    'http://a.example',
    WebSocket,
    createManualTimers(),
  )('t', {
    onText: (text) => seen.push(text),
    onClosed: (code) => seen.push(code),
  });
  fire('message', { data: 'one' });
  fire('message', { data: new ArrayBuffer(1) });
  fire('error', {});
  fire('close', { code: 1013 });
  fire('message', { data: 'late' });
  t.deepEqual(seen, ['one', 1013]);
});

test('close waits a second at most, and nothing is told after it', async (t) => {
  const { WebSocket, fire } = createSocket();
  const timers = createManualTimers();
  const transport = createWebSocketTransport(
    'http://a.example',
    WebSocket,
    timers,
  )('t', {
    onText: () => t.fail(),
    onClosed: () => t.fail(),
  });
  const closed = transport.close();
  fire('message', { data: 'late' });
  timers.advance(1_000);
  await closed;
  fire('close', { code: 1006 });
  await transport.close();
  t.deepEqual(timers.waits, []);
});
