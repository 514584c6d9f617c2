/** Every way to leave shows as exactly one `parted` to the others, after what the session sent. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, startApp, type TestApp, type TestClock } from '../support/app.ts';
import type { RawClient } from '../support/raw-client.ts';
import { assertEnded, assertLoggedOut, eachTransport } from '../support/transports.ts';

type Scene = {
  t: ExecutionContext;
  server: TestApp;
  token: string;
  alice: RawClient;
  watcher: RawClient;
  clock: TestClock;
};

/** Lets time pass until the watcher sees alice part; the milliseconds that it took. */
async function untilParted({ watcher, clock }: Scene): Promise<number> {
  let passed = 0;
  // Below the heartbeat of the watcher, who has to answer each.
  const stepMs = 5000;
  while (!watcher.frames.some((frame) => frame.code === 'parted') && passed < 300_000) {
    clock.advance(stepMs);
    passed += stepMs;
    await watcher.settle();
  }
  return passed;
}

const ways: Record<string, (scene: Scene) => Promise<unknown>> = {
  'by part': async ({ alice }) => alice.send({ type: 'part', room_name: 'friends' }),
  'by closing': ({ alice }) => alice.close(),
  'by a cut, when the grace is over': async (scene) => {
    const { t, alice } = scene;
    await alice.next({ code: 'message', body: 'm5' });
    await alice.settle();
    alice.cut();
    const passed = await untilParted(scene);
    const quietMs = 1000 * (limits.graceSeconds + (alice.transport === 'poll' ? limits.pollGapSeconds : 0));
    t.true(passed >= quietMs && passed <= quietMs + 10_000, `${passed} ms`);
  },
  'by log-out': async ({ t, server, token, alice }) => {
    await alice.next({ code: 'message', body: 'm5' });
    await alice.settle();
    t.is((await server.request('POST', '/logout', { token })).status, 204);
    await assertLoggedOut(t, alice);
  },
  'by being deactivated': async ({ t, server, alice }) => {
    await alice.next({ code: 'message', body: 'm5' });
    await alice.settle();
    const storage = await server.elsewhere();
    const user = await storage.users.findByName('alice');
    await storage.users.setActive(user?.id ?? 0, false);
    await assertEnded(t, alice, 'kicked');
  },
  'by being taken over': async ({ t, server, token, alice }) => {
    await alice.next({ code: 'message', body: 'm5' });
    await alice.settle();
    await server.chat('alice', { token, transport: alice.transport, takeover: true });
    await assertEnded(t, alice, 'resumed-elsewhere');
  },
};

for (const [how, leave] of Object.entries(ways)) {
  eachTransport(
    test,
    `the others see one parting after the messages of whoever leaves ${how}`,
    async (t, transport) => {
      const clock = createTestClock();
      const server = await startApp(t, { overrides: { clock } });
      const token = await server.login('alice');
      const watcher = await server.chat('watcher');
      const alice = await server.chat('alice', { token, transport, resume: true });
      await watcher.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
      await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
      for (let n = 1; n <= 5; n += 1) alice.send({ type: 'message', room_name: 'friends', body: `m${n}` });
      await leave({ t, server, token, alice, watcher, clock });
      if (!watcher.frames.some((frame) => frame.code === 'parted')) await watcher.next({ code: 'parted' });
      await watcher.settle();
      const story = watcher.frames.slice(2).map((frame) => frame.body ?? frame.code);
      t.deepEqual(story, ['joined', 'm1', 'm2', 'm3', 'm4', 'm5', 'parted']);
    },
  );
}

test('a WebSocket that did not ask to be resumed parts as soon as it is cut', async (t) => {
  const server = await startApp(t);
  const watcher = await server.chat('watcher');
  const alice = await server.chat('alice');
  for (const client of [watcher, alice]) await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  alice.cut();
  await watcher.next({ code: 'parted', user: 'alice' });
  t.is(alice.session, undefined);
});
