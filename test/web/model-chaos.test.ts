/**
 * People who talk over lines that break, on pages that they reload: whatever happens, each page shows the room's log,
 * each message once and in order, with nothing left on its way.
 */
import test, { type ExecutionContext } from 'ava';
import { startApp } from '../support/app.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { enter, enterRoom, type Page, roomOf, shown, when } from './model-house.ts';

type Person = { name: string; page: Page; proxy: TcpProxy; said: string[] };

/** Numbers from 0 up to 1 that a seed decides (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function settle({ page }: Person): Promise<void> {
  await when(() => page.model.link.value.state === 'open', 'open');
  await when(() => page.model.room.value !== undefined, 'in the room');
}

const acts: Record<string, (t: ExecutionContext, person: Person) => Promise<void>> = {
  async cut(_t, { page, proxy }) {
    proxy.cut();
    proxy.resume();
    await when(() => page.model.link.value.state !== 'open', 'cut');
    page.client().hurry();
  },
  async swallow(_t, { proxy }) {
    // What is under way gets lost with the line: the next cut finds it.
    proxy.stall('down');
  },
  async reload(_t, person) {
    person.proxy.cut();
    person.proxy.resume();
    person.page = await person.page.reload();
  },
  async settle(_t, person) {
    person.proxy.cut();
    person.proxy.resume();
    await settle(person);
  },
};

for (const seed of [1, 2, 3, 4]) {
  test(`whatever happens to lines and pages, all see the same log (seed ${seed})`, async (t) => {
    const random = randomOf(seed);
    const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
    const app = await startApp(t, { env: { RATE_LIMITS: 'off' } });
    const people: Person[] = [];
    for (const name of ['ann', 'bob', 'carl']) {
      const proxy = await openTcpProxy(app.url);
      t.teardown(() => proxy.close());
      const page = await enter(t, proxy.url, name);
      await enterRoom(page, 'friends');
      people.push({ name, page, proxy, said: [] });
    }
    for (let step = 0; step < 80; step += 1) {
      const person = pick(people);
      if (random() < 0.75) {
        // The same words twice are two messages.
        const text = pick(['yes', 'no', `${step}`]);
        if (person.page.model.room.value === undefined) continue;
        person.page.model.send('friends', text);
        person.said.push(text);
      } else await acts[pick(Object.keys(acts))]?.(t, person);
    }
    for (const person of people) person.proxy.resume();
    const total = people.reduce((sum, { said }) => sum + said.length, 0);
    const token = await app.login('reader');
    for (const { page } of people) {
      const room = (): readonly string[] => (page.model.room.value === undefined ? [] : shown(page.model.room.value));
      await when(() => room().filter((text) => /^\w+: /.test(text)).length === total, 'all of it');
      await when(() => !room().some((text) => text.endsWith('(pending)')), 'settled');
    }
    const { body } = await app.request('GET', '/rooms/friends/messages?limit=200', { token });
    const log = (body as { messages: { user: string; body: string }[] }).messages.map(
      (one) => `${one.user}: ${one.body}`,
    );
    log.reverse();
    for (const { page, name, said } of people) {
      const seen = shown(roomOf(page, 'friends')).filter((text) => /^\w+: /.test(text));
      t.deepEqual(seen, log, name);
      t.deepEqual(
        log.filter((text) => text.startsWith(`${name}: `)).sort(),
        said.map((text) => `${name}: ${text}`).sort(),
      );
    }
  });
}
