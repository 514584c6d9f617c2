import test from 'ava';
import { createFakeStorage } from '../../../test/web/fake-storage.ts';
import { createStore } from './storage.ts';

test('what is written is read, also by the next page', (t) => {
  const storage = createFakeStorage();
  const store = createStore(() => storage);
  t.true(store.write('a', { b: 1 }));
  t.true(store.writeText('c', 'd'));
  const next = createStore(() => storage);
  t.deepEqual(next.read('a'), { b: 1 });
  t.is(next.readText('c'), 'd');
  store.write('a', undefined);
  t.is(next.read('a'), undefined);
});

test('what cannot be read is absent', (t) => {
  const storage = createFakeStorage();
  storage.setItem('a', '{');
  t.is(createStore(() => storage).read('a'), undefined);
});

test('a storage that is forbidden or full keeps things for as long as the page lives', (t) => {
  const forbidden = createStore(() => {
    throw new Error('SecurityError');
  });
  const full = createStore(() => ({
    ...createFakeStorage(),
    setItem() {
      throw new Error('QuotaExceededError');
    },
  }));
  for (const store of [forbidden, full]) {
    t.false(store.write('a', 1));
    t.is(store.read('a'), 1);
    store.write('a', undefined);
    t.is(store.read('a'), undefined);
  }
});

test('what was stored before does not come back in place of what could not be', (t) => {
  const storage = createFakeStorage();
  let isFull = false;
  const store = createStore(() => ({
    ...storage,
    setItem(key, value) {
      if (isFull) throw new Error('QuotaExceededError');
      storage.setItem(key, value);
    },
  }));
  store.write('a', 1);
  isFull = true;
  t.false(store.write('a', 2));
  t.is(store.read('a'), 2);
});
