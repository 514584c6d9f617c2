/** What the fuzzer's proxy does, each treatment alone, against a small server that counts what reaches it. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type FaultyProxy, openFaultyProxy, type ProxyOptions } from './proxy.ts';
import { createRandom } from './random.ts';

type Target = { url: string; readonly requests: string[] };
type Answer = { status: number; text: string; complete: boolean };

/** Answers with its count of requests; a stream (`/sse/chat`) goes on until somebody ends it. */
async function startTarget(t: ExecutionContext): Promise<Target> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      requests.push(`${request.method} ${body}`.trim());
      const text = `answer ${requests.length} ${'.'.repeat(2000)}`;
      if (request.url?.startsWith('/sse/chat') === true) response.write(text);
      else response.end(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function open(
  t: ExecutionContext,
  options: Omit<ProxyOptions, 'random' | 'onFault'> & { seed?: number },
): Promise<{ proxy: FaultyProxy; faults: string[] }> {
  const faults: string[] = [];
  const random = createRandom(options.seed ?? 1);
  const proxy = await openFaultyProxy({ ...options, random, onFault: (name) => faults.push(name) });
  t.teardown(() => proxy.close());
  return { proxy, faults };
}

/** Rejects when no answer begins. `until`: leave as soon as that was read. */
async function ask(url: string, method: string, path: string, body = '', until?: string): Promise<Answer> {
  const headers = body === '' ? {} : { 'content-length': String(body.length) };
  const request = httpRequest(url + path, { method, headers, agent: false });
  // A cut after the answer's head shows in the answer as well.
  request.on('error', () => {});
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (until !== undefined && text.includes(until)) break;
    }
  } catch {
    // Cut in the middle: what came until then is the result.
  }
  return { status: response.statusCode ?? 0, text, complete: response.complete };
}

test('a request that meets nothing is passed on, and its answer too', async (t) => {
  const target = await startTarget(t);
  const { proxy, faults } = await open(t, { target: target.url, weights: { none: 1 } });
  const { text, complete } = await ask(proxy.url, 'POST', '/poll/chat', '[1]');
  t.true(complete && text.startsWith('answer 1'));
  t.deepEqual(target.requests, ['POST [1]']);
  t.deepEqual(faults, []);
});

for (const gentle of [true, false]) {
  const manners = gentle ? 'gently' : 'rudely';
  test(`a repeated POST reaches the server twice and is answered once (${manners})`, async (t) => {
    const target = await startTarget(t);
    const given = new Set<string>();
    for (let seed = 1; seed <= 6; seed++) {
      const { proxy, faults } = await open(t, { target: target.url, weights: { repeat: 1 }, gentle, seed });
      const before = target.requests.length;
      const { text } = await ask(proxy.url, 'POST', '/poll/chat', '[1]');
      t.deepEqual(target.requests.slice(before), ['POST [1]', 'POST [1]']);
      t.deepEqual(faults, ['POST twice']);
      given.add(text.startsWith(`answer ${before + 1} `) ? 'first' : 'second');
    }
    t.deepEqual([...given].sort(), ['first', 'second'], 'either answer is returned');
  });

  test(`a stream opened twice still streams (${manners})`, async (t) => {
    const target = await startTarget(t);
    for (let seed = 1; seed <= 4; seed++) {
      const { proxy, faults } = await open(t, { target: target.url, weights: { repeat: 1 }, gentle, seed });
      const { text } = await ask(proxy.url, 'GET', '/sse/chat', '', 'answer');
      t.regex(text, /^answer/);
      t.regex(faults.join(), /^stream opened twice/);
    }
  });
}

test('a swallowed request reaches the server and is not answered', async (t) => {
  const target = await startTarget(t);
  const { proxy, faults } = await open(t, { target: target.url, weights: { swallow: 1 } });
  await t.throwsAsync(ask(proxy.url, 'POST', '/poll/chat', '[1]'));
  t.deepEqual(target.requests, ['POST [1]']);
  t.deepEqual(faults, ['answer lost']);
});

test('a late request reaches the server after the client was told that it is lost', async (t) => {
  const target = await startTarget(t);
  const { proxy } = await open(t, { target: target.url, weights: { late: 1 } });
  await t.throwsAsync(ask(proxy.url, 'POST', '/poll/chat', '[1]'));
  t.deepEqual(target.requests, []);
  while (target.requests.length === 0) await new Promise(setImmediate);
  t.deepEqual(target.requests, ['POST [1]']);
});

test('an answer is cut in the middle', async (t) => {
  const target = await startTarget(t);
  let cut = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const { proxy } = await open(t, { target: target.url, weights: { 'cut in the middle': 1 }, seed });
    const answer = await ask(proxy.url, 'GET', '/', '').catch(() => undefined);
    if (answer?.complete !== true) cut += 1;
  }
  t.is(cut, 8);
});

test('a stream is cut after a while; a calm proxy cuts nothing and lets pass what was stalled', async (t) => {
  const target = await startTarget(t);
  const cutting = await open(t, { target: target.url, weights: { cut: 1 }, seed: 5 });
  const { complete } = await ask(cutting.proxy.url, 'GET', '/sse/chat', '');
  t.false(complete);
  t.regex(cutting.faults.join(), /^cut by (reset|end)$/);

  const stalling = await open(t, { target: target.url, weights: { stall: 1 } });
  stalling.proxy.calm();
  const { text } = await ask(stalling.proxy.url, 'GET', '/', '');
  t.regex(text, /^answer/);
  t.deepEqual(stalling.faults, []);
});

test('the same seed treats the same connections in the same way', async (t) => {
  const target = await startTarget(t);
  const run = async (): Promise<string[]> => {
    const { proxy, faults } = await open(t, { target: target.url, seed: 7 });
    for (let n = 0; n < 30; n++) await ask(proxy.url, 'POST', '/poll/chat', '[1]').catch(() => undefined);
    await proxy.close();
    return faults.filter((name) => /twice|lost|late/.test(name));
  };
  const first = await run();
  t.true(first.length > 1);
  t.deepEqual(await run(), first);
});
