/** What hours and days do: tokens in use and out of use, and messages sent again long after. */
import test from 'ava';
import { createTestClock, startApp, type TestApp } from '../support/app.ts';
import { patienceMs, until } from '../support/services.ts';
import { eachTransport } from '../support/transports.ts';

const hourMs = 3_600_000;

async function profileOf(server: Pick<TestApp, 'request'>, token: string): Promise<{ status: number; body: unknown }> {
  return server.request('GET', '/profile', { token });
}

eachTransport(
  test,
  'a chatting session counts as use of its token; one that nobody uses expires, and its owner reads so',
  async (t, transport) => {
    const clock = createTestClock();
    const server = await startApp(t, { transport, env: { TOKEN_TTL_DAYS: '1' }, overrides: { clock } });
    const [used, unused] = [await server.login('alice'), await server.login('alice')];
    const alice = await server.chat('alice', { token: used });
    const storage = await server.elsewhere();
    for (let day = 0; day < 3; day += 1) {
      clock.advance(20 * hourMs);
      const noted = clock.now();
      await until(patienceMs, async () => {
        const newest = Math.max(...(await storage.tokens.list()).map((token) => token.lastUsedAt ?? 0));
        if (newest < noted - 1000) throw new Error('The use has not been recorded yet.');
      });
      // A sign of life, or the heartbeat would end the session.
      await alice.settle();
    }
    t.is((await profileOf(server, used)).status, 200);
    t.deepEqual(await profileOf(server, unused), { status: 401, body: { detail: 'Token has expired.' } });
    t.deepEqual(await profileOf(server, 'x'), { status: 401, body: { detail: 'Invalid token.' } });
  },
);

eachTransport(test, 'a message sent again a day later is not stored again', async (t, transport) => {
  const clock = createTestClock();
  const server = await startApp(t, { transport, overrides: { clock } });
  const alice = await server.chat('alice');
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const message = { type: 'message', room_name: 'friends', body: 'once', ref: 'r' };
  const { stamp } = await alice.ask(message, { code: 'message' });
  clock.advance(25 * hourMs);
  await alice.settle();
  t.like(await alice.ask(message, { ref: 'r' }), { code: 'message', id: 1, repeat: true, stamp });
  t.like(await alice.ask({ ...message, body: 'other' }, { ref: 'r' }), { type: 'error', code: 'ref-reused' });
});
