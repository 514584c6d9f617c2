import test from 'ava';
import { tokenRecord, userRecord } from './admin-records.ts';
import type { User } from './ports.ts';

const user: User & { passwordHash: string } = {
  id: 1,
  username: 'ada',
  email: 'ada@example.org',
  isSuperuser: true,
  isActive: true,
  createdAt: 0,
  lastLoginAt: null,
  ban: { until: 2000, reason: 'spam' },
  mutedUntil: 2000,
  passwordHash: '$2b$secret',
};

test('a ban and a mute are shown as long as they hold', (t) => {
  t.like(userRecord(user, 1999), {
    ban: { until: '1970-01-01T00:00:02.000Z', reason: 'spam' },
    muted_until: '1970-01-01T00:00:02.000Z',
  });
  t.like(userRecord(user, 2000), { ban: null, muted_until: null });
  t.like(userRecord({ ...user, ban: { until: null, reason: '' } }, 1e15), { ban: { until: null, reason: '' } });
});

test('what a row holds beside the record stays inside', (t) => {
  t.false(JSON.stringify(userRecord(user, 0)).includes('secret'));
  const token = { id: 1, userId: 7, label: null, createdAt: 0, lastUsedAt: null, expiresAt: null, hash: 'secret' };
  t.deepEqual(Object.keys(tokenRecord(token)), ['id', 'label', 'created_at', 'last_used_at', 'expires_at']);
});
