/** What the channels of rooms say and ask; what comes of it is in test/contracts/presence.test.ts and test/properties/presence.test.ts. */
import test, { type ExecutionContext } from 'ava';
import { createManualTimers } from '../../test/support/manual-timers.ts';
import { createMemoryBus } from '../bus/memory-bus.ts';
import type { Clock, StoredMessage } from '../core/ports.ts';
import type { RoomChannel, RoomEvent, RoomListener } from '../core/room-channel.ts';
import type { RoomMember } from '../core/roster.ts';
import { createPeers } from './peers.ts';
import { createRoomChannels } from './room-channels.ts';
import type { Publication } from './room-publication.ts';

const room = { id: 1, name: 'friends', topic: '', epoch: 'e' };

function message(id: number): StoredMessage {
  return { id, userId: 1, username: 'u', body: `m${id}`, createdAt: 0 };
}

function openWorld(t: ExecutionContext) {
  const hub = createMemoryBus();
  const timers = createManualTimers();
  const clock: Clock = {
    now: () => timers.now(),
    after(ms, run) {
      const handle = timers.setTimeout(run, ms);
      return () => timers.clearTimeout(handle);
    },
    endOfTurn: (run) => void setImmediate(run),
  };
  const pass = async (ms: number): Promise<void> => {
    timers.advance(ms);
    for (let turns = 0; turns < 5; turns += 1) await hub.settle();
  };
  const open = (id: string) => {
    const bus = hub.attach();
    const log = { warn() {}, error() {} };
    const peers = createPeers({ bus, id, clusterId: 'c', clock, log });
    const channels = createRoomChannels({ bus, peers, clusterId: 'c', clock, log });
    const said: Publication[] = [];
    const answered: string[] = [];
    const publish = bus.publish.bind(bus);
    const node = {
      bus,
      peers,
      channels,
      /** What it has published about rooms. */
      said,
      /** What it has said of its members to one node alone, by that node. */
      answered,
      heard: [] as { node: string; event: RoomEvent }[],
      members: [] as RoomMember[],
      isFailing: false,
      open: (): RoomChannel => channels.open(room, listener),
    };
    bus.publish = (channel, value) => {
      if (channel.includes(':room:')) said.push(structuredClone(value) as Publication);
      if ((value as { kind?: string }).kind === 'room-roster') answered.push(channel.split(':').at(-1) ?? '');
      return node.isFailing ? Promise.resolve(undefined) : publish(channel, value);
    };
    const listener: RoomListener = {
      receive: (from, event) => void node.heard.push({ node: from, event }),
      roster: () => ({ at: 0, members: node.members }),
      expects: () => true,
    };
    t.teardown(async () => {
      channels.close();
      peers.close();
      await bus.close();
    });
    return node;
  };
  return { hub, open, pass };
}

const kinds = (said: readonly Publication[]): string[] =>
  said.map(({ events }) => events.map(({ kind }) => kind).join(' '));

test('what happens in one turn is one publication, with its messages together', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  const channel = a.open();
  b.open();
  await pass(0);
  a.said.length = 0;
  b.heard.length = 0;
  channel.say({ kind: 'messages', messages: [message(1)] });
  channel.say({ kind: 'messages', messages: [message(2)] });
  channel.say({ kind: 'parted', at: 2, userId: 1, session: 's', claim: 1 });
  await pass(0);
  t.deepEqual(kinds(a.said), ['messages parted']);
  t.deepEqual(
    b.heard.map(({ event }) => (event.kind === 'messages' ? event.messages.length : event.kind)),
    [2, 'parted'],
  );
});

test('what comes twice, or of another log of the room, is not heard', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  a.open();
  const channel = b.open();
  await pass(0);
  channel.say({ kind: 'parted', at: 0, userId: 1, session: 's', claim: 1 });
  await pass(0);
  const last = b.said.at(-1) as Publication;
  a.heard.length = 0;
  await b.bus.publish('finchat:c:room:1', last);
  await b.bus.publish('finchat:c:room:1', { ...last, seq: last.seq + 1, epoch: 'other' });
  await pass(0);
  t.deepEqual(a.heard, []);
  await b.bus.publish('finchat:c:room:1', { ...last, seq: last.seq + 1 });
  await pass(0);
  t.is(a.heard.length, 1);
});

test('who has missed how a node opened the room anew asks it', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  a.open();
  b.open();
  await pass(0);
  const last = b.said.at(-1) as Publication;
  b.said.length = 0;
  const next = { ...last, stream: last.stream + 1, events: [] };
  await b.bus.publish('finchat:c:room:1', { ...next, seq: 1 });
  await pass(0);
  b.answered.length = 0;
  await b.bus.publish('finchat:c:room:1', { ...next, stream: next.stream + 1, seq: 2 });
  await pass(0);
  await pass(0);
  t.deepEqual(b.answered, ['a']);
});

test('a node that is alone says nothing, and is heard as soon as it is not', async (t) => {
  const { open, pass } = openWorld(t);
  const a = open('a');
  const channel = a.open();
  await channel.answered;
  channel.say({ kind: 'messages', messages: [message(1)] });
  await pass(0);
  t.deepEqual(a.said, []);
  t.is(a.channels.patienceMs(), 0);
  const b = open('b');
  a.members = [{ userId: 1, username: 'u', session: 's', claim: 1 }];
  await b.open().answered;
  t.true(a.channels.patienceMs() > 0);
  t.deepEqual(b.heard, [{ node: 'a', event: { kind: 'roster', at: 0, n: 0, members: a.members } }]);
});

test('a room is open when all who hear it have answered, or some time has passed', async (t) => {
  const { hub, open, pass } = openWorld(t);
  const [a, b, c] = [open('a'), open('b'), open('c')];
  a.open();
  b.open();
  await pass(0);
  let isAnswered = false;
  // The answer of one is lost.
  const publish = b.bus.publish.bind(b.bus);
  b.bus.publish = async () => 3;
  const channel = c.open();
  void channel.answered.then(() => {
    isAnswered = true;
  });
  await pass(0);
  t.false(isAnswered);
  await pass(500);
  t.true(isAnswered);
  b.bus.publish = publish;
  await hub.settle();
});

test('who opens a room is told by each node alone, in its place among what that node says', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b, c] = [open('a'), open('b'), open('c')];
  const channel = a.open();
  b.open();
  await pass(0);
  for (const node of [a, b, c]) node.heard.length = node.said.length = node.answered.length = 0;
  channel.say({ kind: 'messages', messages: [message(1)] });
  await c.open().answered;
  channel.say({ kind: 'messages', messages: [message(2)] });
  await pass(0);
  t.deepEqual([kinds(a.said), a.answered], [['messages', 'messages'], ['c']]);
  t.deepEqual([kinds(b.said), b.answered], [[], ['c']]);
  t.deepEqual(
    c.heard.filter(({ node }) => node === 'a').map(({ event }) => event.kind),
    ['messages', 'roster', 'messages'],
  );
  t.false(b.heard.some(({ event }) => event.kind === 'roster'));
  // Nothing is missing after it.
  await pass(10_000);
  t.deepEqual(a.answered, ['c']);
});

test('several who open a room at once are answered as one', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b, c] = [open('a'), open('b'), open('c')];
  a.open();
  await pass(0);
  a.said.length = 0;
  a.answered.length = 0;
  b.open();
  c.open();
  await pass(0);
  t.deepEqual([kinds(a.said), a.answered], [['roster'], []]);
  for (const { heard } of [b, c]) t.true(heard.some(({ node, event }) => node === 'a' && event.kind === 'roster'));
});

test('an answer that was overtaken, or is of another node, is not heard', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  const channel = a.open();
  b.open();
  await pass(0);
  channel.say({ kind: 'messages', messages: [message(1)] });
  await pass(0);
  const last = a.said.at(-1) as Publication;
  const roster: Publication = { ...last, events: [{ kind: 'roster', at: 0, n: 0, members: [] }] };
  b.heard.length = 0;
  a.peers.tell('b', 'room-roster', { room: 1, said: { ...roster, seq: last.seq - 1 } });
  a.peers.tell('b', 'room-roster', { room: 1, said: { ...roster, node: 'c' } });
  for (const said of [null, {}, { ...roster, v: 2 }]) a.peers.tell('b', 'room-roster', { room: 1, said });
  a.peers.tell('b', 'room-roster', { room: 2, said: roster });
  await pass(0);
  t.deepEqual(b.heard, []);
  a.peers.tell('b', 'room-roster', { room: 1, said: roster });
  await pass(0);
  t.is(b.heard.length, 1);
});

test('who has missed something asks, and asks again until it is told', async (t) => {
  const { hub, open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  const channel = a.open();
  b.open();
  await pass(0);
  channel.say({ kind: 'messages', messages: [message(1)] });
  await pass(0);
  hub.lose();
  channel.say({ kind: 'messages', messages: [message(2)] });
  await pass(0);
  b.heard.length = 0;
  a.said.length = 0;
  a.answered.length = 0;
  channel.say({ kind: 'messages', messages: [message(3)] });
  await hub.settle();
  // The question is lost as well.
  hub.lose();
  await pass(0);
  t.deepEqual(a.answered, []);
  await pass(2_000);
  t.deepEqual(a.answered, ['b']);
  await pass(10_000);
  t.deepEqual(a.answered, ['b']);
  t.deepEqual(kinds(a.said), ['messages']);
  t.deepEqual(
    b.heard.map(({ event }) => event.kind),
    ['messages', 'roster'],
  );
});

test('of a node that has closed the room meanwhile, nobody is there', async (t) => {
  const { hub, open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  const channel = a.open();
  b.open();
  await pass(0);
  channel.say({ kind: 'messages', messages: [message(1)] });
  await pass(0);
  hub.break(b.bus);
  channel.close(false);
  await pass(0);
  b.heard.length = 0;
  hub.mend(b.bus);
  await pass(2_000);
  await pass(0);
  t.deepEqual(b.heard, [{ node: 'a', event: { kind: 'roster', at: 0, n: 0, members: [] } }]);
});

test('what was lost while the bus goes on is made up for, also where the room was closed with it', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  const channel = a.open();
  b.open();
  await pass(0);
  a.isFailing = true;
  channel.say({ kind: 'parted', at: 0, userId: 1, session: 's', claim: 1 });
  await pass(0);
  a.isFailing = false;
  b.heard.length = 0;
  await pass(1_000);
  t.deepEqual(
    b.heard.map(({ event }) => event.kind),
    ['roster'],
  );
  a.isFailing = true;
  channel.say({ kind: 'parted', at: 0, userId: 1, session: 's', claim: 1 });
  channel.close(false);
  a.isFailing = false;
  b.heard.length = 0;
  await pass(1_000);
  t.deepEqual(
    b.heard.map(({ event }) => event.kind),
    ['roster'],
  );
});

test('nothing is heard of a node that was marked dead', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  const channel = a.open();
  b.open();
  await pass(0);
  b.channels.forget('a');
  b.heard.length = 0;
  channel.say({ kind: 'messages', messages: [message(1)] });
  await pass(0);
  t.deepEqual(b.heard, []);
});
