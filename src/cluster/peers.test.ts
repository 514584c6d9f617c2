/** What needs a hand on the clock or on the channels; what holds over every bus is in test/contracts/bus-peers.test.ts. */
import test, { type ExecutionContext } from 'ava';
import { createStandingClock, type StandingClock } from '../../test/support/manual-timers.ts';
import { createMemoryBus, type MemoryHub } from '../bus/memory-bus.ts';
import { type Bus, NodeSilent } from '../core/cluster-ports.ts';
import { createChannels } from './channels.ts';
import { type ClusterPeers, createPeers } from './peers.ts';

type Node = { peers: ClusterPeers; bus: Bus; clock: StandingClock; said: string[] };
type World = { hub: MemoryHub; node: (id: string, options?: { maxPending?: number; clock?: StandingClock }) => Node };

const channels = createChannels('c');

function world(t: ExecutionContext): World {
  const hub = createMemoryBus();
  return {
    hub,
    node(id, { clock = createStandingClock(), ...options } = {}) {
      const bus = hub.attach();
      const said: string[] = [];
      const log = {
        warn: (_: object, sentence: string) => said.push(sentence),
        error: (_: object, sentence: string) => said.push(sentence),
      };
      const peers = createPeers({ bus, id, clusterId: 'c', clock, log, ...options });
      t.teardown(async () => {
        peers.close();
        await bus.close();
      });
      return { peers, bus, clock, said };
    },
  };
}

/** How often it was asked, and until when its answer takes. */
function slow(node: Node): { asked: AbortSignal[]; answer: (value: object) => void } {
  const asked: AbortSignal[] = [];
  let answer: (value: object) => void = () => {};
  const answered = new Promise<object>((resolve) => (answer = resolve));
  node.peers.serve('slow', (_question, _from, signal) => {
    asked.push(signal);
    return answered;
  });
  return { asked, answer };
}

/** What became of a question, without waiting for it. */
function outcome(asked: Promise<unknown>): { now(): unknown } {
  let settled: unknown = 'waits';
  asked.then(
    (value) => (settled = value),
    (error: unknown) => (settled = error),
  );
  return { now: () => settled };
}

test('a node that does not answer is silent after three seconds, and told that nobody waits any more', async (t) => {
  const { hub, node } = world(t);
  const [a, b] = [node('a'), node('b')];
  const { asked } = slow(b);
  const question = outcome(a.peers.ask('b', 'slow', {}));
  await hub.settle();
  a.clock.advance(2_900);
  await hub.settle();
  t.is(question.now(), 'waits');
  t.false(asked[0]?.aborted);
  a.clock.advance(100);
  await hub.settle();
  t.true(question.now() instanceof NodeSilent);
  t.true(asked[0]?.aborted);
});

test('who asks may wait longer', async (t) => {
  const { hub, node } = world(t);
  const [a, b] = [node('a'), node('b')];
  const { answer } = slow(b);
  const question = outcome(a.peers.ask('b', 'slow', {}, { timeoutMs: 30_000 }));
  await hub.settle();
  a.clock.advance(29_000);
  answer({ late: true });
  await hub.settle();
  t.deepEqual(question.now(), { late: true });
});

test('a question that was held up for more than two seconds is refused, one that was not is answered', async (t) => {
  const { hub, node } = world(t);
  // Clocks that do not agree.
  const [a, b] = [node('a'), node('b')];
  b.clock.advance(7_000_000);
  let answered = 0;
  b.peers.serve('count', async () => ({ answered: ++answered }));
  t.deepEqual(await a.peers.ask('b', 'count', {}), { answered: 1 });
  const inTime = outcome(a.peers.ask('b', 'count', {}));
  b.clock.advance(1_500);
  await hub.settle();
  t.deepEqual(inTime.now(), { answered: 2 });
  const late = outcome(a.peers.ask('b', 'count', {}));
  b.clock.advance(2_500);
  await hub.settle();
  t.true(late.now() instanceof NodeSilent);
  t.is(answered, 2);
  // What b said of its clock when it refused: the next is asked by the right time.
  t.deepEqual(await a.peers.ask('b', 'count', {}), { answered: 3 });
});

test('the first question to a node is refused as well when it was held up', async (t) => {
  const { hub, node } = world(t);
  const [a, b] = [node('a'), node('b')];
  const { asked } = slow(b);
  const question = outcome(a.peers.ask('b', 'slow', {}));
  // b has told its clock; the question is on its way.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  b.clock.advance(2_500);
  await hub.settle();
  t.true(question.now() instanceof NodeSilent);
  t.is(asked.length, 0);
});

test('questions that wait are bounded, here and there', async (t) => {
  const { hub, node } = world(t);
  const a = node('a', { maxPending: 3 });
  const b = node('b', { maxPending: 2 });
  const { asked } = slow(b);
  await t.throwsAsync(a.peers.ask('b', 'unknown', {}), { instanceOf: NodeSilent });
  const questions = [1, 2, 3, 4].map(() => outcome(a.peers.ask('b', 'slow', {})));
  await hub.settle();
  t.deepEqual(
    questions.map((question) => question.now() instanceof NodeSilent),
    [false, false, true, true],
  );
  t.is(asked.length, 2);
  t.true(questions[3]?.now() instanceof NodeSilent);
});

test('garbage on a channel is dropped, with one line a minute', async (t) => {
  const { hub, node } = world(t);
  const a = node('a');
  const stranger = hub.attach();
  t.teardown(() => stranger.close());
  let told = 0;
  a.peers.on('counts', () => (told += 1));
  const garbage = [{}, [], { v: 1 }, { v: 1, from: 'b', at: 1, type: 'tell', kind: 'counts' }, { v: 7 }];
  for (const value of garbage) {
    await stranger.publish(channels.all, value);
    await stranger.publish(channels.node('a'), value);
  }
  // An answer to what was never asked, and a question beside its channel.
  await stranger.publish(channels.node('a'), { v: 1, from: 'b', at: 1, type: 'answer', id: 1, value: {} });
  await stranger.publish(channels.all, { v: 1, from: 'b', at: 1, type: 'ask', id: 1, kind: 'x', by: 1, value: {} });
  await hub.settle();
  t.is(a.said.length, 2, 'one for garbage, one for another version');
  t.is(told, 0);
  a.clock.advance(60_000);
  await stranger.publish(channels.all, {});
  await hub.settle();
  t.is(a.said.length, 3);
});

test('a question that comes twice is answered once, and not after it was broken off', async (t) => {
  const { hub, node } = world(t);
  const a = node('a');
  const { asked, answer } = slow(a);
  const stranger = hub.attach();
  t.teardown(() => stranger.close());
  const heard: unknown[] = [];
  stranger.subscribe(channels.node('c'), (value) => heard.push(value));
  const head = { v: 1, from: 'c', at: a.clock.now() };
  const ask = (id: number): object => ({ ...head, type: 'ask', id, kind: 'slow', by: a.clock.now(), value: {} });
  for (const id of [1, 1, 2]) await stranger.publish(channels.node('a'), ask(id));
  await stranger.publish(channels.node('a'), { ...head, type: 'abort', ids: [2] });
  await hub.settle();
  answer({ said: 'once' });
  await hub.settle();
  t.deepEqual(
    asked.map(({ aborted }) => aborted),
    [false, true],
  );
  t.like(heard, [{ type: 'answer', id: 1, value: { said: 'once' } }]);
  t.is(heard.length, 1);
});

test('an answer counts only from the node that was asked', async (t) => {
  const { hub, node } = world(t);
  const [a, b] = [node('a'), node('b')];
  const { answer } = slow(b);
  const question = outcome(a.peers.ask('b', 'slow', {}));
  await hub.settle();
  const stranger = hub.attach();
  t.teardown(() => stranger.close());
  for (let id = 0; id < 5; id++) {
    await stranger.publish(channels.node('a'), { v: 1, from: 'c', at: 1, type: 'answer', id, value: { from: 'c' } });
    await stranger.publish(channels.node('a'), { v: 1, from: 'c', at: 1, type: 'none', id });
  }
  await hub.settle();
  t.is(question.now(), 'waits');
  answer({ from: 'b' });
  await hub.settle();
  t.deepEqual(question.now(), { from: 'b' });
});

test('a receiver that throws harms no other, and the log says so', async (t) => {
  const { hub, node } = world(t);
  const [a, b] = [node('a'), node('b')];
  const heard: unknown[] = [];
  b.peers.on('counts', () => {
    throw new Error('broken');
  });
  b.peers.on('counts', (value) => heard.push(value));
  a.peers.tellAll('counts', { n: 1 });
  a.peers.tellAll('counts', { n: 2 });
  await hub.settle();
  t.deepEqual(heard, [{ n: 1 }, { n: 2 }]);
  t.is(b.said.length, 1);
});

test('what was asked before the bus was lost fails when it is back, and is broken off there', async (t) => {
  const { hub, node } = world(t);
  const [a, b] = [node('a'), node('b')];
  const { asked } = slow(b);
  const question = outcome(a.peers.ask('b', 'slow', {}, { timeoutMs: 60_000 }));
  await hub.settle();
  hub.break();
  t.true(outcome(a.peers.ask('b', 'slow', {})).now() !== undefined);
  await t.throwsAsync(a.peers.ask('b', 'slow', {}), { instanceOf: NodeSilent }, 'at once');
  t.is(question.now(), 'waits');
  hub.mend();
  await hub.settle();
  t.true(question.now() instanceof NodeSilent);
  t.true(asked[0]?.aborted);
});

test('a node that is alone says nothing', (t) => {
  const { node } = world(t);
  const a = node('a');
  const said: string[] = [];
  a.bus.publish = async (channel) => {
    said.push(channel);
    return 0;
  };
  a.peers.tellAll('counts', {});
  t.deepEqual(said, []);
  node('b');
  a.peers.tellAll('counts', {});
  t.deepEqual(said, [channels.all]);
});
