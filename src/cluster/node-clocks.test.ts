import test from 'ava';
import { NodeClocks } from './node-clocks.ts';

function clocks(): { known: NodeClocks; pass: (ms: number) => void } {
  let now = 1_000_000;
  return { known: new NodeClocks({ now: () => now }), pass: (ms) => (now += ms) };
}

test('a clock is told by what took least time on its way', (t) => {
  const { known, pass } = clocks();
  t.is(known.guess('b'), undefined);
  known.hear('b', 5_000_000);
  pass(400);
  // Sent after 100 ms, heard 300 ms later.
  known.hear('b', 5_000_100);
  t.is(known.guess('b'), 5_000_400);
  // Faster than the first, by 20 ms.
  pass(100);
  known.hear('b', 5_000_520);
  pass(1000);
  t.is(known.guess('b'), 5_001_520);
});

test('what was heard minutes ago tells nothing any more', (t) => {
  const { known, pass } = clocks();
  known.hear('b', 100);
  pass(119_999);
  t.is(known.guess('b'), 120_099);
  pass(1);
  t.is(known.guess('b'), undefined);
});

test('the best of a minute is forgotten after two', (t) => {
  const { known, pass } = clocks();
  known.hear('b', 9_000);
  pass(60_000);
  // The other clock was set back by nine seconds.
  known.hear('b', 60_000);
  t.is(known.guess('b'), 69_000);
  pass(60_000);
  known.hear('b', 120_000);
  t.is(known.guess('b'), 120_000);
});

test('a clock of its own that is set back begins anew', (t) => {
  const { known, pass } = clocks();
  known.hear('b', 50_000);
  pass(-7_000);
  t.is(known.guess('b'), undefined);
  known.hear('b', 60_000);
  t.is(known.guess('b'), 60_000);
});

test('the number of nodes is bounded', (t) => {
  const { known } = clocks();
  for (let node = 0; node <= 10_000; node++) known.hear(`node ${node}`, 1);
  t.is(known.guess('node 0'), undefined);
  t.is(known.guess('node 10000'), 1);
  known.forget('node 10000');
  t.is(known.guess('node 10000'), undefined);
});
