import test from 'ava';
import { sparkPath } from './spark-path.ts';

test('a course goes from left to right, the least at the bottom and the most at the top', (t) => {
  t.is(sparkPath([1, 3, 2]), 'M0.00 22.00L50.00 2.00L100.00 12.00');
});

test('what does not change is a line at the bottom', (t) => {
  t.is(sparkPath([5, 5]), 'M0.00 22.00L100.00 22.00');
  t.is(sparkPath([5]), 'M0.00 22.00');
});
