import test from 'ava';
import { createFakeStorage } from '../../../../test/web/fake-storage.ts';
import { createStore } from '../../common/storage.ts';
import { readMemory, writeMemory } from './memory.ts';

test('each user has a memory of their own, whatever the case of the name', (t) => {
  const store = createStore(() => createFakeStorage());
  const shared = { rooms: { friends: { epoch: 'e', lastRead: 3 } }, place: { kind: 'room', name: 'friends' } } as const;
  writeMemory(store, 'Ann', shared);
  t.deepEqual(readMemory(store, 'ann'), shared);
  t.deepEqual(readMemory(store, 'bob'), { rooms: {}, place: { kind: 'log' } });
});

test('what is no memory is passed over, and what is good of one is kept', (t) => {
  const storage = createFakeStorage();
  const store = createStore(() => storage);
  for (const text of [
    '',
    '{',
    'null',
    '7',
    '[]',
    '{"rooms":7,"place":"log"}',
    '{"rooms":{"a":null,"b":{"epoch":1}}}',
  ]) {
    storage.setItem('finchat.chat.ann', text);
    t.deepEqual(readMemory(store, 'ann'), { rooms: {}, place: { kind: 'log' } });
  }
  storage.setItem('finchat.chat.ann', '{"rooms":{"a":7,"b":{"epoch":"e","lastRead":2}},"place":{"kind":"room"}}');
  t.deepEqual(readMemory(store, 'ann'), { rooms: { b: { epoch: 'e', lastRead: 2 } }, place: { kind: 'log' } });
});
