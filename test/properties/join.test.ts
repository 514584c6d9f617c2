/**
 * Where history and live messages meet: whenever somebody joins, with or without `since`, while others talk, every
 * message is either in `status.messages` or delivered after `joined`, never both, never neither; and every user is
 * either in `status.users` or announced afterwards.
 */
import test from 'ava';
import fc from 'fast-check';
import { slowPages, startApp } from '../support/app.ts';
import type { RawClient, RawFrame } from '../support/raw-client.ts';

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('talk' as const), times: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('join' as const), behind: fc.option(fc.integer({ min: 0, max: 120 })) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('come' as const), who: fc.integer({ min: 0, max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
);

test('history and live messages meet without gap or duplicate, whenever somebody joins', async (t) => {
  // Embedded stores answer at once: a join would never be overtaken.
  const wrapStorage = slowPages(async () => {
    for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  });
  const server = await startApp(t, { env: { RATE_LIMITS: 'off' }, overrides: { wrapStorage } });
  const storage = await server.elsewhere();
  const talker = await server.chat('talker');
  const joiner = await server.chat('joiner');
  const others = [await server.chat('other-0'), await server.chat('other-1'), await server.chat('other-2')];
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
      run += 1;
      const name = `room-${run}`;
      await storage.rooms.create({ name, topic: '', createdAt: Date.now() });
      await talker.ask({ type: 'join', room_name: name }, { code: 'joined' });
      const begun = joiner.frames.length;
      let said = 0;
      let isInside = false;
      const present = new Set<number>();
      for (const action of steps) {
        if (action.do === 'talk') {
          for (let n = 0; n < action.times; n += 1) {
            said += 1;
            talker.send({ type: 'message', room_name: name, body: `m${said}` });
          }
        } else if (action.do === 'join') {
          const since = action.behind === null ? {} : { since: Math.max(0, said - action.behind) };
          if (isInside) joiner.send({ type: 'part', room_name: name });
          joiner.send({ type: 'join', room_name: name, ...since });
          isInside = true;
        } else if (action.do === 'come') {
          const isPresent = present.delete(action.who);
          if (!isPresent) present.add(action.who);
          others[action.who]?.send({ type: isPresent ? 'part' : 'join', room_name: name });
        } else {
          await talker.settle();
        }
      }
      if (!isInside) joiner.send({ type: 'join', room_name: name });
      // One that comes after all that was missed shows the gap.
      await settleAll([joiner]);
      await talker.ask({ type: 'message', room_name: name, body: 'last' }, { room_name: name, body: 'last' });
      await settleAll([...others, joiner]);
      await joiner.ask({ type: 'part', room_name: name, ref: `end-${run}` }, { ref: `end-${run}` });
      checkVisits(joiner.frames.slice(begun).filter((frame) => frame.room_name === name));
      for (const client of [talker, ...others]) client.send({ type: 'part', room_name: name });
    }),
    { numRuns: 60 },
  );
  t.true(run >= 60);
});

async function settleAll(clients: readonly RawClient[]): Promise<void> {
  // An answered `list` says that what the client sent before has had its effect.
  for (const client of clients) {
    const ref = `settle-${Math.random()}`;
    await client.ask({ type: 'list', ref }, { ref });
  }
}

/** Each visit of the room: from one's own `joined` to one's own `parted`. */
function checkVisits(frames: readonly RawFrame[]): void {
  let last: number | undefined;
  let users = new Set<string>();
  for (const frame of frames) {
    if (frame.code === 'joined' && frame.you === true) {
      if (frame.status === undefined) throw new Error('joined without status');
      const ids = frame.status.messages.map((message) => message.id);
      last = frame.status.last_id;
      const newest = ids[0] ?? last;
      if (newest !== last) throw new Error(`status ends at ${newest}, last_id is ${last}`);
      ids.forEach((id, index) => {
        if (id !== newest - index) throw new Error(`status.messages has a hole: ${ids.join(' ')}`);
      });
      users = new Set(frame.status.users.map((user) => user.name));
    } else if (frame.code === 'parted' && frame.you === true) {
      last = undefined;
    } else if (frame.code === 'message') {
      if (last === undefined) throw new Error('a message outside a visit');
      if (frame.id !== last + 1) throw new Error(`message ${frame.id} came after ${last}`);
      last = frame.id;
    } else if (frame.code === 'joined') {
      if (users.has(String(frame.user))) throw new Error(`${frame.user} was announced, but is in status.users`);
      users.add(String(frame.user));
    } else if (frame.code === 'parted') {
      if (!users.delete(String(frame.user))) throw new Error(`${frame.user} parted, but was not there`);
    }
  }
}
