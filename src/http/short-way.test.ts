import { request as ask, createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { pino } from 'pino';
import { writeAnswer } from '../transports/http-answers.ts';
import type { HttpDependencies } from './dependencies.ts';
import { createShortWay, readPlainQuery } from './short-way.ts';
import { createStandingHeaders } from './standing-headers.ts';

const json = { 'content-type': 'application/json' };

/** What polls and posts come to; `taken` has the messages of each POST. */
function noteTaken(): { chat: HttpDependencies['chat']; taken: unknown[] } {
  const taken: unknown[] = [];
  const answered = (response: ServerResponse): Promise<void> => {
    writeAnswer(response, { status: 200, headers: {}, body: '{}' });
    return Promise.resolve();
  };
  return {
    taken,
    chat: {
      sse: { open: answered },
      poll: { open: answered },
      upstream: {
        post(_from, messages) {
          taken.push(messages);
          return Promise.resolve('done');
        },
        leave: () => Promise.resolve('done'),
      },
    },
  };
}

/** Sends requests to a server that answers 299 where one has to go the long way. */
async function serve(t: ExecutionContext): Promise<{
  taken: unknown[];
  ask(method: string, path: string, headers?: Record<string, string>, body?: string): Promise<number>;
}> {
  const { chat, taken } = noteTaken();
  const standing = createStandingHeaders();
  const goShort = createShortWay({ chat, log: pino({ level: 'silent' }), standing, addressOf: () => '127.0.0.1' });
  const server = createServer((request, response) => {
    if (goShort(request, response)) return;
    standing.note(request, response);
    request.resume();
    response.writeHead(299).end();
  });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    taken,
    ask: (method, path, headers = {}, body) =>
      new Promise((resolve, reject) => {
        const asking = ask({ port, method, path, headers, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        asking.on('error', reject);
        asking.end(body);
      }),
  };
}

test('after the first of its origin, a poll and a POST of the plain form go the short way', async (t) => {
  const server = await serve(t);
  t.is(await server.ask('GET', '/poll/chat?token=a&cursor=s.7&wait=25'), 299);
  t.is(await server.ask('GET', '/poll/chat?token=a&cursor=s.7&wait=25'), 200);
  t.is(await server.ask('GET', '/poll/chat'), 200);
  for (const path of ['/poll/chat', '/sse/chat?token=a']) {
    t.is(await server.ask('POST', path, json, '{"type":"list"}'), 202);
  }
  t.is(await server.ask('POST', '/sse/chat', { 'content-type': 'application/json; charset=utf-8' }, '[]'), 202);
  t.deepEqual(server.taken, [[{ type: 'list' }], [{ type: 'list' }], []]);
  t.is(await server.ask('GET', '/poll/chat', { origin: 'http://b.example' }), 299);
  t.is(await server.ask('GET', '/poll/chat', { origin: 'http://b.example' }), 200);
});

test('whatever is special in any way goes the long way', async (t) => {
  const server = await serve(t);
  t.is(await server.ask('GET', '/poll/chat'), 299);
  for (const path of [
    '/poll/chat/',
    '/poll/chat?a=%20',
    '/poll/chat?a+b',
    '/poll/chat?a=b;c',
    '/Poll/chat',
    '/poll/chat#',
    '//poll/chat',
    '/poll/chatter',
    'http://localhost/poll/chat',
    '/sse/chat',
    '/ws/chat',
    '/',
  ]) {
    t.is(await server.ask('GET', path), 299, path);
  }
  for (const method of ['HEAD', 'DELETE', 'PUT', 'OPTIONS']) t.is(await server.ask(method, '/poll/chat'), 299, method);
  const specials: [Record<string, string>, string?][] = [
    [{}, '[]'],
    [{ 'content-type': 'text/plain' }, '[]'],
    [{ 'content-type': 'application/json; charset=latin1' }, '[]'],
    [{ ...json, 'content-encoding': 'gzip' }, '[]'],
    [{ ...json, 'transfer-encoding': 'chunked' }, '[]'],
    [json, ''],
    [json, 'x'.repeat(65_537)],
  ];
  for (const [headers, body] of specials) {
    t.is(await server.ask('POST', '/poll/chat', headers, body), 299, JSON.stringify(headers));
  }
  t.deepEqual(server.taken, []);
});

test('a plain query is read like all others', (t) => {
  const character = fc.constantFrom('a', 'b', '1', '_', '.', '~', '-', '&', '&', '=', '=');
  fc.assert(
    fc.property(fc.string({ unit: character }), (text) => {
      const query: Record<string, string> = {};
      for (const [name, value] of new URLSearchParams(text)) query[name] ??= value;
      // An empty name is nobody's.
      const { '': _, ...read } = readPlainQuery(text);
      const { '': __, ...expected } = query;
      t.deepEqual(read, expected);
    }),
  );
});
