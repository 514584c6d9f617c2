import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { noteEvents, serveDoor } from '../../test/support/http-door.ts';
import { createManualTimers } from '../../test/support/manual-timers.ts';
import { patienceMs, until } from '../../test/support/services.ts';
import type { Elsewhere } from '../core/elsewhere.ts';
import type { OpenRequest, Transport } from '../core/transport.ts';
import { createConnectionLimit } from './connection-limit.ts';
import { createPollDoor } from './poll.ts';

const request: OpenRequest = { credentials: { kind: 'none' }, takeover: false, resumable: true, cursor: 's.7' };
const waitMs = 25_000;
const frames = ['1', '2'].map((text) => ({ bytes: Buffer.from(text) }));

/** What a poll is answered with whose transport the session layer treats like that. */
async function answer(
  act: (transport: Transport) => void,
  asked: { request: OpenRequest; waitMs: number } = { request, waitMs },
): Promise<{ status: number; body: unknown; retryAfter: string | null; waits: readonly number[]; names: string[] }> {
  const teardowns: (() => unknown)[] = [];
  const t = { teardown: (run: () => unknown) => void teardowns.push(run) };
  const { events, names } = noteEvents();
  const timers = createManualTimers();
  const limit = createConnectionLimit(1);
  const door = createPollDoor({
    limit,
    clock: {
      now: () => timers.now(),
      after(ms, run) {
        const handle = timers.setTimeout(run, ms);
        return () => timers.clearTimeout(handle);
      },
      endOfTurn() {},
    },
    open(transport) {
      act(transport);
      return Promise.resolve(events);
    },
  });
  const port = await serveDoor(t, (response) => door.open(response, asked.request, asked.waitMs));
  const response = await fetch(`http://127.0.0.1:${port}/`);
  const body: unknown = await response.json();
  // The place that it took is free again, and it is over for the session layer.
  await until(patienceMs, async () => {
    if (limit.size > 0 || names.length === 0) throw new Error('still counted');
  });
  for (const run of teardowns) await run();
  return { status: response.status, body, retryAfter: response.headers.get('retry-after'), waits: timers.waits, names };
}

test('a poll that was answered gives its place back, keeps no timer and says once that it is over', async (t) => {
  const written = await answer((transport) => {
    transport.write(frames.slice(0, 1), { session: 's', n: 8 });
    transport.write(frames.slice(1), { session: 's', n: 9 });
    t.is(transport.unwritten(), 2);
  });
  t.deepEqual(written, {
    status: 200,
    body: { cursor: 's.9', messages: [1, 2] },
    retryAfter: null,
    waits: [],
    names: ['close'],
  });
  t.like(await answer((transport) => transport.ping()), { status: 200, body: { cursor: 's.7', messages: [] } });
});

test('a first poll that does not wait is answered with its greeting, also when that comes a moment later', async (t) => {
  const { status, body } = await answer(
    (transport) => void setImmediate(() => transport.write(frames.slice(0, 1), { session: 's', n: 1 })),
    { request: { ...request, cursor: undefined }, waitMs: 0 },
  );
  t.deepEqual({ status, body }, { status: 200, body: { cursor: 's.1', messages: [1] } });
});

test('a poll gets what was due with the end of its session, or the end alone where nothing was due', async (t) => {
  const due = { cursor: 's.9', messages: [1, 2] };
  const first = { session: 's', n: 8 };
  const kicked = { type: 'fatal', code: 'kicked' };
  const ends: [(transport: Transport) => void, number, unknown, number, unknown][] = [
    [(poll) => poll.refuse('kicked'), 200, { ...due, messages: [1, 2, kicked] }, 403, kicked],
    [(poll) => poll.close('normal'), 200, due, 200, { cursor: 's.7', messages: [] }],
    [(poll) => poll.close('restarting'), 200, due, 503, { type: 'fatal', code: 'unavailable' }],
  ];
  for (const [end, status, body, emptyStatus, emptyBody] of ends) {
    const withMessages = await answer((poll) => {
      poll.write(frames, first);
      end(poll);
      t.is(poll.unwritten(), Number.POSITIVE_INFINITY);
    });
    t.like(withMessages, { status, body });
    t.like(await answer(end), { status: emptyStatus, body: emptyBody });
  }
});

test('a poll for a session of another node that is too much is refused as here, and opens nothing', async (t) => {
  const limit = createConnectionLimit(1);
  const elsewhere: Pick<Elsewhere, 'poll'> = { poll: () => Promise.resolve('flooding') };
  const door = createPollDoor({
    limit,
    elsewhere,
    clock: { now: () => 0, after: () => () => {}, endOfTurn() {} },
    open: () => Promise.reject(new Error('opened')),
  });
  const asked: OpenRequest = { ...request, credentials: { kind: 'token', token: 'a' } };
  const port = await serveDoor(t, (response) => door.open(response, asked, waitMs));
  const response = await fetch(`http://127.0.0.1:${port}/`);
  t.deepEqual([response.status, response.headers.get('retry-after')], [429, '1']);
  t.like(await response.json(), { type: 'error', code: 'rate-limited' });
  await until(patienceMs, async () => {
    if (limit.size > 0) throw new Error('still counted');
  });
});

test('a poll whose client has gone while its session was looked for opens nothing', async (t) => {
  const limit = createConnectionLimit(1);
  const asking = new AbortController();
  let looked = 0;
  const elsewhere: Pick<Elsewhere, 'poll'> = {
    async poll(_question, signal) {
      asking.abort();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      looked += 1;
      return undefined;
    },
  };
  let opened = 0;
  const door = createPollDoor({
    limit,
    elsewhere,
    clock: { now: () => 0, after: () => () => {}, endOfTurn() {} },
    async open() {
      opened += 1;
      return undefined;
    },
  });
  const asked: OpenRequest = { ...request, credentials: { kind: 'token', token: 'a' } };
  const port = await serveDoor(t, (response) => door.open(response, asked, waitMs));
  await t.throwsAsync(fetch(`http://127.0.0.1:${port}/`, { signal: asking.signal }), { any: true });
  await until(10_000, async () => {
    if (looked === 0) throw new Error('not looked for yet');
  });
  await turn();
  t.deepEqual([opened, limit.size], [0, 0]);
});
