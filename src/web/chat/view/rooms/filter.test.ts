import test from 'ava';
import { matching } from './filter.ts';

const room = (name: string, topic: string) => ({
  name,
  topic,
  users: 0,
  isJoined: false,
  unread: 0,
  isMentioned: false,
});
const rooms = [room('friends', ''), room('Investments', 'Stocks and bonds'), room('family', 'Dinner on Sunday')];
const found = (filter: string) => matching(rooms, filter).map(({ name }) => name);

test('a filter finds words in names and topics, whatever their case', (t) => {
  t.deepEqual(found('F'), ['friends', 'family']);
  t.deepEqual(found('stock invest'), ['Investments']);
  t.deepEqual(found('dinner stock'), []);
});

test('an empty filter leaves out nothing', (t) => {
  t.deepEqual(found('  '), ['friends', 'Investments', 'family']);
});
