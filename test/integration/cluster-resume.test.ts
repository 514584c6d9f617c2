/** Sessions that go on over a connection to another node, exactly where their clients were. */
import test from 'ava';
import { clusterTest, rosterOf, waitUntil } from '../support/cluster-apps.ts';
import { openRawClient, type RawClient, type RawFrame } from '../support/raw-client.ts';
import { transportNames } from '../support/raw-collector.ts';
import { assertEnded, assertRefused } from '../support/transports.ts';

const room_name = 'friends';
const join = { type: 'join', room_name };

/** Ids of the messages and names of the commands, as they came. */
function story(frames: readonly RawFrame[]): (number | string)[] {
  return frames.flatMap<number | string>((frame) => {
    if (frame.code === 'message') return [frame.id ?? 0];
    return frame.code === 'custom' ? [String(frame.command)] : [];
  });
}

/** Says each as a message and as a command. */
async function say(speaker: RawClient, ...bodies: string[]): Promise<void> {
  for (const body of bodies) {
    await speaker.ask({ type: 'message', room_name, body }, { code: 'message', body });
    await speaker.ask({ type: 'custom', room_name, command: body, payload: 'p' }, { code: 'custom', command: body });
  }
}

for (const from of transportNames) {
  for (const to of transportNames) {
    clusterTest(
      test,
      `a session goes on from ${from} on one node to ${to} on another and back, exactly where its client was, and its room sees nothing of it`,
      async (t, cluster) => {
        const token = await cluster.node(0).login('alice');
        const [bob, carol] = [await cluster.node(0).chat('bob'), await cluster.node(1).chat('carol')];
        for (const client of [bob, carol]) await client.ask(join, { code: 'joined', you: true });
        const options = { token, resume: true } as const;
        const first = await cluster.node(0).chat('alice', { ...options, transport: from });
        await first.ask(join, { code: 'joined', you: true });
        await say(bob, 'a');
        await first.next({ code: 'custom', command: 'a' });
        first.send({ type: 'message', room_name, body: 'mine', ref: 'r1' });
        await first.next({ code: 'message', ref: 'r1' });
        first.cut();
        await say(bob, 'b');
        await carol.next({ code: 'custom', command: 'b' });
        await say(carol, 'c');
        await bob.next({ code: 'custom', command: 'c' });
        const cursor = first.cursor ?? '';
        const second = await openRawClient(t, cluster.node(1).url, { ...options, transport: to, cursor });
        await say(bob, 'd');
        await second.next({ code: 'custom', command: 'd' });
        // Its next poll has come to the owner by then: one that is on its way would take the session back.
        if (to === 'poll') await cluster.node(1).request('POST', '/poll/chat', { token, body: [] });
        // The second is alive this time, and hears that it is over.
        const third = await openRawClient(t, cluster.node(0).url, {
          ...options,
          transport: from,
          cursor: second.cursor ?? '',
        });
        await assertEnded(t, second, 'resumed-elsewhere');
        third.send({ type: 'message', room_name, body: 'mine too', ref: 'r2' });
        await third.next({ code: 'message', ref: 'r2' });
        for (const client of [second, third]) if (client.transport !== 'poll') t.true(client.session?.resumed);
        const frames = [...first.frames, ...second.frames, ...third.frames];
        t.deepEqual(story(frames), [1, 'a', 2, 3, 'b', 4, 'c', 5, 'd', 6]);
        t.deepEqual(rosterOf(frames, room_name), ['alice', 'bob', 'carol']);
        for (const client of [bob, carol]) {
          await client.next({ code: 'message', body: 'mine too' });
          const seen = client.frames.filter(({ user, code }) => user === 'alice' && code !== 'message');
          t.deepEqual(
            seen.map(({ code }) => code),
            ['joined'],
          );
          t.deepEqual(rosterOf(client.frames, room_name), ['alice', 'bob', 'carol']);
        }
      },
    );
  }
}

clusterTest(
  test,
  'who came and went while a session moved is told to it once',
  async (t, cluster) => {
    const token = await cluster.node(0).login('alice');
    const [bob, carol] = [await cluster.node(1).chat('bob'), await cluster.node(2).chat('carol')];
    await bob.ask(join, { code: 'joined', you: true });
    const first = await cluster.node(0).chat('alice', { token, resume: true });
    await first.ask(join, { code: 'joined', you: true });
    first.cut();
    await carol.ask(join, { code: 'joined', you: true });
    await bob.next({ code: 'joined', user: 'carol' });
    await bob.ask({ type: 'part', room_name }, { code: 'parted' });
    await carol.next({ code: 'parted', user: 'bob' });
    const options = { token, resume: true, cursor: first.cursor ?? '' };
    const second = await openRawClient(t, cluster.node(1).url, { ...options, transport: 'sse' });
    await second.settle();
    const frames = (): RawFrame[] => [...first.frames, ...second.frames];
    await waitUntil(() => rosterOf(frames(), room_name).join() === 'alice,carol', 'both are told');
    await bob.ask(join, { code: 'joined', you: true });
    // Not just any `joined` of bob: where her first node heard of him late, she was told of his first one as well.
    await waitUntil(() => rosterOf(frames(), room_name).join() === 'alice,bob,carol', 'bob is there again');
    t.pass();
  },
  { nodes: 3 },
);

clusterTest(
  test,
  'a session moves many times while all speak, and its client misses and repeats nothing',
  async (t, cluster) => {
    const token = await cluster.node(0).login('alice');
    const [bob, carol] = [await cluster.node(0).chat('bob'), await cluster.node(1).chat('carol')];
    for (const client of [bob, carol]) await client.ask(join, { code: 'joined', you: true });
    let alice: RawClient = await cluster.node(0).chat('alice', { token, resume: true });
    await alice.ask(join, { code: 'joined', you: true });
    /** Up to the cursor that each connection gave way to: what still arrived after it comes again. */
    const frames: RawFrame[] = [];
    let sent = 0;
    for (let move = 1; move <= 9; move++) {
      for (const client of [bob, carol]) {
        for (let n = 0; n < 10; n++) client.send({ type: 'message', room_name, body: `${++sent}` });
      }
      alice.send({ type: 'message', room_name, body: 'mine', ref: `r${move}` });
      sent += 1;
      if (move % 2 === 0) await alice.next({ code: 'message', ref: `r${move}` });
      else await alice.delivered();
      if (move % 3 === 0) alice.cut();
      // A poll that is under way might win the session back.
      const transport = move % 2 === 0 ? 'websocket' : 'sse';
      const cursor = alice.cursor ?? '';
      frames.push(...alice.frames);
      alice = await openRawClient(t, cluster.node(move).url, {
        token,
        transport,
        resume: true,
        cursor,
      });
    }
    bob.send({ type: 'message', room_name, body: `${++sent}` });
    await alice.next({ code: 'message', id: sent });
    frames.push(...alice.frames);
    const own = frames.filter(({ code, you }) => code === 'message' && you === true);
    t.deepEqual(
      story(frames),
      Array.from({ length: sent }, (_, n) => n + 1),
    );
    t.deepEqual(
      own.map(({ ref }) => ref),
      Array.from({ length: 9 }, (_, n) => `r${n + 1}`),
    );
    for (const client of [bob, carol]) {
      await client.next({ code: 'message', id: sent });
      t.deepEqual(
        story(client.frames),
        Array.from({ length: sent }, (_, n) => n + 1),
      );
      t.deepEqual(rosterOf(client.frames, room_name), ['alice', 'bob', 'carol']);
    }
  },
);

clusterTest(
  test,
  'a cursor that is no good on another node resumes nothing and disturbs nothing',
  async (t, cluster) => {
    const token = await cluster.node(0).login('alice');
    const alice = await cluster.node(0).chat('alice', { token, resume: true });
    await alice.ask(join, { code: 'joined', you: true });
    await alice.settle();
    const before = alice.frames.length;
    const [session = '', n = ''] = (alice.cursor ?? '').split('.');
    for (const cursor of [`${session}.${Number(n) + 5}`, 'unknown.1', 'nonsense', `${session}.-1`]) {
      for (const transport of transportNames) {
        const client = await openRawClient(t, cluster.node(1).url, { token, transport, resume: true, cursor });
        if (transport === 'poll')
          t.like(await client.closed, { status: 410, body: { code: 'session-expired' } }, cursor);
        else await assertRefused(t, client, 'already-chatting');
      }
    }
    const other = await cluster.node(1).login('bob');
    const stolen = await openRawClient(t, cluster.node(1).url, {
      token: other,
      resume: true,
      cursor: alice.cursor ?? '',
    });
    await stolen.next({ code: 'api-motd' });
    t.false(stolen.session?.resumed);
    await alice.settle();
    t.is(alice.frames.length, before);
  },
);
