/** Readers that stop: what they cost is bounded, the others wait for nothing, and within the bound nothing is lost. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { createStandingClock } from '../support/manual-timers.ts';
import { openRawClient, type RawClient } from '../support/raw-client.ts';
import { patienceMs, until } from '../support/services.ts';
import { eachTransport } from '../support/transports.ts';

const join = { type: 'join', room_name: 'friends' };
// The longest message takes three bytes for each of these.
const longest = '€'.repeat(limits.bodyLength);
const longestBytes = 3 * limits.bodyLength;

function idsOf(...clients: readonly RawClient[]): (number | undefined)[] {
  return clients.flatMap(({ frames }) => frames.filter(({ code }) => code === 'message').map(({ id }) => id));
}

function dense(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

/** How many sessions there are of a kind: `websocket`, `sse`, `poll` or `detached`. */
async function countSessions(server: Pick<TestApp, 'metricsPort'>, kind: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`);
  const line = new RegExp(`^finchat_sessions\\{transport="${kind}"\\} (\\d+)$`, 'm').exec(await response.text());
  return Number(line?.[1] ?? 0);
}

/** Says the longest message until `id`, and waits until the sender and another have it. */
async function sayUntil(t: ExecutionContext, id: number, sender: RawClient, other: RawClient): Promise<void> {
  const from = idsOf(sender).length;
  for (let n = from; n < id; n += 1) {
    sender.send({ type: 'message', room_name: 'friends', body: longest });
    // What waits for the log is bounded.
    if (n % 50 === 49 && n + 1 < id) await sender.next({ code: 'message', id: n + 1 });
  }
  await sender.next({ code: 'message', id });
  await other.next({ code: 'message', id });
  t.deepEqual(idsOf(other), dense(id));
}

eachTransport(
  test,
  'a reader that stops is detached when it has taken nothing for 10 seconds, and loses nothing within its outbox',
  async (t, transport) => {
    // However long all this takes here, to the server it takes no time.
    const clock = createStandingClock();
    // Above what the kernel's buffers take, so that something waits in the server without ending the session.
    const env = { RATE_LIMITS: 'off', SESSION_OUTBOX: '67108864', METRICS_PORT: '0' };
    const server = await startApp(t, { env, overrides: { clock } });
    const token = await server.login('slow');
    const slow = await server.chat('slow', { token, transport, resume: true });
    const [sender, other] = [await server.chat('sender'), await server.chat('other')];
    for (const client of [slow, sender, other]) await client.ask(join, { code: 'joined' });
    await slow.settle();
    slow.pause();
    const count = transport === 'poll' ? 150 : Math.ceil(12_000_000 / longestBytes);
    await sayUntil(t, count, sender, other);
    t.is(await countSessions(server, 'detached'), 0);
    if (transport === 'poll') {
      // Its time runs from the answer that it did not fetch another after.
      for (let passed = 0; passed < limits.pollGapSeconds; passed += 20) {
        clock.advance(20_000);
        await Promise.all([sender.settle(), other.settle()]);
      }
    } else clock.advance(limits.drainMs);
    await until(patienceMs, async () => t.is(await countSessions(server, 'detached'), 1));
    await sayUntil(t, count + 5, sender, other);

    slow.unpause();
    const end = transport === 'poll' ? undefined : await slow.closed;
    t.true(end === undefined || [4408, 1006, 200, undefined].includes(end.code ?? end.status), JSON.stringify(end));
    const again =
      transport === 'poll'
        ? slow
        : await openRawClient(t, server.url, { transport, token, resume: true, cursor: slow.cursor ?? '' });
    await again.next({ code: 'message', id: count + 5 });
    t.deepEqual(transport === 'poll' ? idsOf(again) : idsOf(slow, again), dense(count + 5));
    t.false(other.frames.some((frame) => frame.code === 'parted'));
  },
);

eachTransport(
  test,
  'a reader that stops is ended when its outbox is full, the others see it part once and have every message before',
  async (t, transport) => {
    const server = await startApp(t, { env: { RATE_LIMITS: 'off' } });
    const token = await server.login('slow');
    const slow = await server.chat('slow', { token, transport, resume: true });
    const [sender, other] = [await server.chat('sender'), await server.chat('other')];
    for (const client of [slow, sender, other]) await client.ask(join, { code: 'joined' });
    await slow.settle();
    slow.pause();
    let id = 0;
    // The kernel's buffers take some megabytes before anything waits in the server.
    const most = transport === 'poll' ? limits.outboxBytes + 30 * longestBytes : 64_000_000;
    while (!other.frames.some((frame) => frame.code === 'parted') && id * longestBytes < most) {
      id += 20;
      await sayUntil(t, id, sender, other);
    }
    // Its parting follows the message for which there was no room: it is there before the next answer.
    await other.settle();
    t.deepEqual(
      other.frames.filter((frame) => frame.code === 'parted').map((frame) => frame.user),
      ['slow'],
    );
    const { cursor = '' } = slow;
    slow.unpause();
    await slow.closed;
    const again = await openRawClient(t, server.url, { transport, token, resume: true, cursor });
    if (transport === 'poll') t.is((await again.closed).status, 410);
    else await again.next({ code: 'api-motd' });
    t.not(again.session?.resumed, true);
  },
);
