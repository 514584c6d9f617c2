import test from 'ava';
import { createSeldom } from './seldom.ts';

test('each name runs at most once in the interval', (t) => {
  let now = 0;
  const seldom = createSeldom({ now: () => now }, 1000);
  const ran: string[] = [];
  const at = (time: number, name: string): void => {
    now = time;
    seldom(name, () => ran.push(`${name} ${time}`));
  };
  at(0, 'a');
  at(1, 'a');
  at(500, 'b');
  at(999, 'a');
  at(1000, 'a');
  at(1499, 'b');
  at(1500, 'b');
  t.deepEqual(ran, ['a 0', 'b 500', 'a 1000', 'b 1500']);
});

test('the number of names is bounded, and all run again later', (t) => {
  let now = 0;
  const seldom = createSeldom({ now: () => now }, 1000);
  let ran = 0;
  for (let name = 0; name < 500; name++) seldom(`name ${name}`, () => (ran += 1));
  t.is(ran, 100);
  now = 1000;
  seldom('another', () => (ran += 1));
  t.is(ran, 101);
});
