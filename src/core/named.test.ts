import test from 'ava';
import { NotFound } from './errors.ts';
import { findRoom, findUser, roomNamed, userNamed } from './named.ts';

test('a name that nobody can have is not looked up: the store could not even take it', async (t) => {
  const store = { findByName: () => Promise.reject(new Error('It was looked up.')) };
  for (const name of ['', 'a\0b', 'a\ud800', 'a b', 'x'.repeat(1000)]) {
    t.is(await userNamed(store, name), undefined);
    t.is(await roomNamed(store, name), undefined);
    await t.throwsAsync(findUser(store, name), { instanceOf: NotFound });
    await t.throwsAsync(findRoom(store, name), { instanceOf: NotFound });
  }
});
