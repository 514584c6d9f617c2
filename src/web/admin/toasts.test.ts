import test from 'ava';
import { createToasts } from './toasts.ts';

test('what is said is shown until it is dismissed, the same words twice as two', (t) => {
  const toasts = createToasts();
  toasts.say('Done.');
  toasts.say('Done.');
  const [first, second] = toasts.list.value;
  t.not(first?.key, second?.key);
  toasts.dismiss(first?.key ?? 0);
  t.deepEqual(toasts.list.value, [second]);
});

test('only the last few are shown', (t) => {
  const toasts = createToasts();
  for (const text of ['1', '2', '3', '4', '5']) toasts.say(text);
  t.deepEqual(
    toasts.list.value.map(({ text }) => text),
    ['3', '4', '5'],
  );
});
