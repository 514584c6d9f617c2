import test from 'ava';
import { en } from '../../texts/en.ts';
import { createLog } from './log.ts';
import { createRoomList } from './room-list.ts';

function make() {
  const log = createLog(() => 0);
  const answers: ((value: unknown) => void)[] = [];
  let asked = 0;
  const list = createRoomList({
    log,
    texts: en.chat.model,
    read: () => {
      asked += 1;
      return new Promise((resolve) => answers.push(resolve));
    },
  });
  return { log, list, asked: () => asked, answer: (value: unknown) => answers.shift()?.(value) };
}

const rooms = (...names: string[]): unknown => names.map((name) => ({ name, topic: '', users: 0 }));

test('the list is asked for once at a time', async (t) => {
  const { list, asked, answer } = make();
  const both = Promise.all([list.refresh(true), list.refresh(false)]);
  t.true(list.isRefreshing.value);
  answer(rooms('a'));
  await both;
  t.is(asked(), 1);
  t.false(list.isRefreshing.value);
});

test('whoever asks while the list is being read is told as well, and the next reading says nothing again', async (t) => {
  const { list, log, answer } = make();
  const told = (): number => log.lines.value.filter(({ text }) => text === en.chat.model.roomsRead(1)).length;
  list.reset([{ name: 'a', topic: '', users: 0 }]);
  const both = Promise.all([list.refresh(false), list.refresh(true)]);
  answer(rooms('a'));
  await both;
  t.is(told(), 1);
  const again = list.refresh(false);
  answer(rooms('a'));
  await again;
  t.is(told(), 1);
});

test('a list that nobody asked for says only what changed', async (t) => {
  const { list, log, answer } = make();
  for (const names of [
    ['a', 'b'],
    ['a', 'b'],
    ['b', 'c'],
  ]) {
    const refreshing = list.refresh(false);
    answer(rooms(...names));
    await refreshing;
  }
  t.deepEqual(
    log.lines.value.map(({ text }) => text),
    ['There are 2 rooms.', 'There is a new room: c.', 'The room a is gone.'],
  );
});

test('an answer for a user who has gone is not taken', async (t) => {
  const { list, answer } = make();
  const refreshing = list.refresh(false);
  list.reset();
  t.false(list.isRefreshing.value);
  answer(rooms('a'));
  await refreshing;
  t.deepEqual(list.entries.value, []);
});

test('what is no list of rooms is none', async (t) => {
  const { list, answer } = make();
  for (const value of [undefined, null, {}, [null, 7, {}, { name: 3 }]]) {
    const refreshing = list.refresh(false);
    answer(value);
    await refreshing;
    t.deepEqual(list.entries.value, []);
  }
});
