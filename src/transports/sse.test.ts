import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import test from 'ava';
import { noteEvents, openPaused, serveDoor } from '../../test/support/http-door.ts';
import { patienceMs, until } from '../../test/support/services.ts';
import type { OpenRequest } from '../core/sessions.ts';
import { createConnectionLimit } from './connection-limit.ts';
import { createSseDoor } from './sse.ts';

const request: OpenRequest = { credentials: { kind: 'none' }, takeover: false, resumable: true, cursor: undefined };
/** More than the sockets on both sides take. */
const much = [{ bytes: Buffer.alloc(20_000_000, 'x') }];

/** Throws when something else is told. */
function untilTold(names: readonly string[], expected: readonly string[]): Promise<void> {
  return until(patienceMs, async () => {
    if (names.join() !== expected.join()) throw new Error(`told: ${names.join()}`);
  });
}

test('a stream tells when its client has taken what waited, and when it is gone', async (t) => {
  const { events, names, transports } = noteEvents();
  const limit = createConnectionLimit(1);
  const door = createSseDoor({
    limit,
    open(transport) {
      transports.push(transport);
      transport.write(much, { session: 's', n: 1 });
      return Promise.resolve(events);
    },
  });
  const client = await openPaused(t, await serveDoor(t, (response) => door.open(response, request)));
  const [transport] = transports;
  t.true((transport?.unwritten() ?? 0) > 0);
  t.deepEqual(names, []);
  client.resume();
  await untilTold(names, ['drain']);
  t.is(transport?.unwritten(), 0);
  t.is(limit.size, 1);
  client.destroy();
  await untilTold(names, ['drain', 'close']);
  t.is(limit.size, 0);
});

test('a stream whose client is gone before it was let in says so', async (t) => {
  const { events, names } = noteEvents();
  let gone: Promise<unknown> = Promise.resolve();
  const door = createSseDoor({
    limit: createConnectionLimit(1),
    async open(transport) {
      transport.write([], { session: 's', n: 1 });
      await gone;
      return events;
    },
  });
  const opened = new Promise<void>((resolve) => {
    void serveDoor(t, async (response: ServerResponse) => {
      gone = once(response, 'close');
      await door.open(response, request);
      resolve();
    }).then(async (port) => (await openPaused(t, port)).destroy());
  });
  await opened;
  t.deepEqual(names, ['close']);
});

test('a client that reads nothing is cut once its stream has ended, and nothing is written after the end', async (t) => {
  const { events, names, transports } = noteEvents();
  const door = createSseDoor({
    limit: createConnectionLimit(1),
    open(transport) {
      transports.push(transport);
      transport.write(much, { session: 's', n: 1 });
      return Promise.resolve(events);
    },
  });
  await openPaused(
    t,
    await serveDoor(t, (response) => {
      response.on('error', () => names.push('error'));
      return door.open(response, request);
    }),
  );
  transports[0]?.close('tooSlow');
  transports[0]?.ping();
  transports[0]?.write(much, { session: 's', n: 2 });
  transports[0]?.refuse('kicked');
  await t.notThrowsAsync(untilTold(names, ['close']));
});
