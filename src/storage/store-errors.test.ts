import test from 'ava';
import type { StoreErrorKind } from '../core/ports.ts';
import { StoreError } from '../core/ports.ts';
import { toStoreError, unavailable } from './store-errors.ts';

const withCode = (code: string, message = 'driver says'): Error => Object.assign(new Error(message), { code });

const expected: readonly [kind: StoreErrorKind, ...errors: Error[]][] = [
  ['busy', withCode('SQLITE_BUSY'), withCode('SQLITE_BUSY_SNAPSHOT'), withCode('SQLITE_LOCKED')],
  ['busy', withCode('40001'), withCode('40P01'), withCode('57014'), withCode('55P03')],
  ['unknown', withCode('SQLITE_IOERR_FSYNC'), withCode('57P01'), withCode('08006'), withCode('XX000')],
  ['unknown', withCode('ECONNRESET'), withCode('EPIPE'), withCode('ETIMEDOUT')],
  ['unknown', new Error('Connection terminated unexpectedly'), new Error('Query read timeout')],
  ['unavailable', withCode('SQLITE_FULL'), withCode('SQLITE_CANTOPEN'), withCode('SQLITE_CORRUPT')],
  ['unavailable', withCode('ECONNREFUSED'), withCode('ENOTFOUND'), withCode('57P03'), withCode('53300')],
  ['unavailable', withCode('28P01'), withCode('3D000'), new Error('timeout expired')],
  ['rejected', withCode('SQLITE_CONSTRAINT_FOREIGNKEY'), withCode('SQLITE_TOOBIG')],
  ['rejected', withCode('23503'), withCode('22021'), withCode('42P01'), new Error('something else')],
  ['conflict', withCode('23505'), withCode('SQLITE_CONSTRAINT_UNIQUE')],
];

for (const [kind, ...errors] of expected) {
  for (const error of errors) {
    const { code } = error as { code?: string };
    test(`${code ?? error.message} is ${kind} and keeps its cause`, (t) => {
      const mapped = toStoreError(error);
      t.is(mapped.kind, kind);
      t.is(mapped.cause, error);
      t.not(mapped.message, '');
    });
  }
}

test('a driver that is not built, or for another Node, says how to build it', (t) => {
  const errors = [
    new Error(
      'Could not locate the bindings file. Tried:\n → /app/node_modules/better-sqlite3/build/better_sqlite3.node',
    ),
    withCode('ERR_DLOPEN_FAILED', 'The module was compiled against a different Node.js version'),
  ];
  for (const error of errors) {
    const mapped = toStoreError(error);
    t.is(mapped.kind, 'unavailable');
    t.regex(mapped.message, /npm rebuild better-sqlite3/);
  }
});

test('a conflict names its field', (t) => {
  t.is(toStoreError(Object.assign(withCode('23505'), { constraint: 'users_username_unique' })).field, 'username');
  t.is(toStoreError(withCode('SQLITE_CONSTRAINT_UNIQUE', 'UNIQUE constraint failed: rooms.name_folded')).field, 'name');
  t.is(toStoreError(withCode('SQLITE_CONSTRAINT_UNIQUE', 'UNIQUE constraint failed: tokens.hash')).field, undefined);
});

test('a claim of a node that is gone is fenced, any other missing row is rejected', (t) => {
  t.is(toStoreError(Object.assign(withCode('23503'), { constraint: 'sessions_node_fence' })).kind, 'fenced');
  t.is(toStoreError(Object.assign(withCode('23503'), { constraint: 'sessions_user_id_fkey' })).kind, 'rejected');
});

test('a StoreError stays the one it is', (t) => {
  const error = new StoreError('busy', 'later');
  t.is(toStoreError(error), error);
  t.is(unavailable(error), error);
});

test('what is no error is mapped too', (t) => {
  t.is(toStoreError('gone').kind, 'rejected');
  t.is(toStoreError(undefined).kind, 'rejected');
  t.is(unavailable(new AggregateError([], '')).kind, 'unavailable');
});
