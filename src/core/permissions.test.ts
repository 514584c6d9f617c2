import test from 'ava';
import { banNow, mayLogIn, mutedNow } from './permissions.ts';

test('a user may log in unless deactivated or banned', (t) => {
  t.true(mayLogIn({ isActive: true, ban: null }, 100));
  t.false(mayLogIn({ isActive: false, ban: null }, 100));
  t.false(mayLogIn({ isActive: true, ban: { until: null, reason: '' } }, 100));
  t.false(mayLogIn({ isActive: true, ban: { until: 101, reason: '' } }, 100));
});

test('a ban holds until its last moment and not in the moment that ends it', (t) => {
  const user = { isActive: true, ban: { until: 100, reason: 'spam' } };
  t.deepEqual(banNow(user, 99), user.ban);
  t.is(banNow(user, 100), null);
  t.true(mayLogIn(user, 100));
  t.false(mayLogIn({ ...user, isActive: false }, 100));
  t.deepEqual(banNow({ ban: { until: null, reason: '' } }, Number.MAX_SAFE_INTEGER), { until: null, reason: '' });
});

test('a mute is over in the moment that ends it', (t) => {
  t.is(mutedNow({ mutedUntil: 100 }, 99), 100);
  t.is(mutedNow({ mutedUntil: 100 }, 100), null);
  t.is(mutedNow({ mutedUntil: null }, 0), null);
});
