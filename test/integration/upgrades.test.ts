/** Upgrades over a bare socket: broken handshakes, and offers of other protocols with ordinary requests. */
import { once } from 'node:events';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import test from 'ava';
import { createHttpServer } from '../../src/http/listener.ts';
import { startApp } from '../support/app.ts';
import { sendRaw } from './rest-server.ts';

const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const offer = 'Connection: Upgrade\r\nUpgrade: websocket';

function read(answer: string): { status: number; head: string; body: unknown } {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body: JSON.parse(body) };
}

test('a handshake that is none is refused as JSON, and says what would do', async (t) => {
  const { url } = await startApp(t);
  const port = Number(new URL(url).port);
  const refused: [lines: string, status: number, header: RegExp][] = [
    [`GET /ws/chat HTTP/1.1\r\nHost: x\r\n${offer}`, 400, /\r\nSec-WebSocket-Version: 13/],
    [`GET /ws/chat HTTP/1.1\r\nHost: x\r\n${offer}\r\n${key}`, 400, /\r\nSec-WebSocket-Version: 13/],
    [
      `GET /ws/chat HTTP/1.1\r\nHost: x\r\n${offer}\r\n${key}\r\nSec-WebSocket-Version: 12`,
      400,
      /\r\nSec-WebSocket-Version: 13/,
    ],
    [
      `POST /ws/chat HTTP/1.1\r\nHost: x\r\n${offer}\r\n${key}\r\nSec-WebSocket-Version: 13`,
      405,
      /\r\nAllow: GET(\r\n|$)/,
    ],
    [
      `GET /profile HTTP/1.1\r\nHost: x\r\n${offer}\r\n${key}\r\nSec-WebSocket-Version: 13`,
      404,
      /\r\nConnection: close/,
    ],
  ];
  for (const [lines, status, header] of refused) {
    const answer = read(await sendRaw(port, `${lines}\r\n\r\n`));
    t.is(answer.status, status, lines);
    t.regex(answer.head, header);
    t.regex(answer.head, /\r\nContent-Type: application\/json/);
    t.is(typeof (answer.body as { detail: unknown }).detail, 'string');
  }
});

test('a request that offers another protocol is answered as if it had not, body and all', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const send = (method: string, path: string, headers: object, body?: string): Promise<[number | undefined, string]> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(server.url + path, {
        method,
        headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABk', ...headers },
      });
      request.on('response', (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve([response.statusCode, text]));
      });
      request.on('error', reject);
      request.end(body);
    });
  t.deepEqual(await send('GET', '/healthz', {}), [200, '{"status":"ok"}']);
  t.deepEqual(await send('GET', '/profile', { Authorization: `Token ${token}` }), [
    200,
    '{"username":"alice","email":""}',
  ]);
  // Longer than one packet, so that a part of it comes after the headers.
  const fields = { username: 'bob', password: 'seven-green-bottles', padding: 'x'.repeat(60_000) };
  const body = JSON.stringify(fields);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(body.length) };
  t.deepEqual(await send('POST', '/register', headers, body), [200, '{"username":"bob","email":""}']);
});

test('no body is read as a request because headers before its length were too many', async (t) => {
  const { url } = await startApp(t);
  const inner = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  const many = Array.from({ length: 200 }, (_, at) => `X-${at}: 1\r\n`).join('');
  const lines = `POST /login HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${many}`;
  const answers = await sendRaw(Number(new URL(url).port), `${lines}Content-Length: ${inner.length}\r\n\r\n${inner}`);
  t.notRegex(answers, / 200 OK/);
});

test('connections whose requests each offer another protocol are kept and read on', async (t) => {
  const { url } = await startApp(t);
  const line = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n';
  const last = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n';
  const answers = await sendRaw(Number(new URL(url).port), line + line + last);
  t.is(answers.match(/HTTP\/1\.1 200 OK/g)?.length, 3);
});

test('an upgrade sent ahead of an earlier answer is cut, not mixed with it', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const body = JSON.stringify({ username: 'alice', password: 'wrong' });
  const login = `POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const upgrade = `GET /ws/chat HTTP/1.1\r\nHost: x\r\n${offer}\r\n${key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Token ${token}\r\n\r\n`;
  t.is(await sendRaw(Number(new URL(server.url).port), login + upgrade), '');
});

test('a client that resets its connection while its offer waits for an earlier answer does no harm', async (t) => {
  const server = createHttpServer({
    request: (_request, response) => void server.emit('held', response),
    upgrade: (_request, socket) => socket.destroy(),
  });
  server.listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  const held = once(server, 'held') as Promise<[ServerResponse]>;
  const offered = once(server, 'upgrade');
  const offer = 'Connection: Upgrade\r\nUpgrade: h2c';
  socket.write(`GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n${offer}\r\n\r\n`);
  const [response] = await held;
  await offered;
  const closed = once(response, 'close');
  socket.resetAndDestroy();
  await closed;
  t.true(response.destroyed || response.closed);
});
