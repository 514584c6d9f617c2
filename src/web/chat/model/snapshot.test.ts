import test from 'ava';
import { createFakeStorage } from '../../../../test/web/fake-storage.ts';
import { createStore, type KeyValueStore } from '../../common/storage.ts';
import { type Snapshot, takeSnapshot, writeSnapshot } from './snapshot.ts';

const snapshot: Snapshot = {
  version: 1,
  at: 1_000,
  token: 'secret',
  username: 'ann',
  isSuperuser: false,
  session: { version: 1, rooms: [] },
  place: { kind: 'log' },
  directory: [],
  log: [],
  rooms: [],
};

test('a snapshot is had once', (t) => {
  const store = createStore(() => createFakeStorage());
  const session = createStore(() => createFakeStorage());
  t.is(takeSnapshot(store, 'secret', 1_000), undefined);
  writeSnapshot(session, () => snapshot);
  t.deepEqual(takeSnapshot(session, 'secret', 2_000), snapshot);
  t.is(takeSnapshot(session, 'secret', 2_000), undefined);
});

test('a snapshot of another token, of another form or of long ago is not had, nor left', (t) => {
  const storage = createFakeStorage();
  const session = createStore(() => storage);
  for (const [token, now, version] of [
    ['other', 2_000, 1],
    ['secret', 5_000_000, 1],
    ['secret', 2_000, 2],
  ] as const) {
    writeSnapshot(session, () => ({ ...snapshot, version: version as 1 }));
    t.is(takeSnapshot(session, token, now), undefined);
    t.is(storage.entries.size, 0);
  }
});

test('where the storage is too small, fewer items are taken along, and nothing where none fit', (t) => {
  const small = (max: number): { storage: KeyValueStore; entries: Map<string, string> } => {
    const storage = createFakeStorage();
    const setItem = (key: string, value: string): void => {
      if (value.length > max) throw new Error('QuotaExceededError');
      storage.setItem(key, value);
    };
    return { storage: { ...storage, setItem }, entries: storage.entries };
  };
  const asked: number[] = [];
  const make = (items: number): Snapshot => {
    asked.push(items);
    return { ...snapshot, username: 'x'.repeat(items * 100) };
  };
  const some = small(6_000);
  writeSnapshot(
    createStore(() => some.storage),
    make,
  );
  t.deepEqual(asked, [200, 50]);
  t.is(
    takeSnapshot(
      createStore(() => some.storage),
      'secret',
      1_000,
    )?.username.length,
    5_000,
  );
  const none = small(10);
  const store = createStore(() => none.storage);
  writeSnapshot(store, make);
  t.is(none.entries.size, 0);
  t.is(takeSnapshot(store, 'secret', 1_000), undefined);
});
