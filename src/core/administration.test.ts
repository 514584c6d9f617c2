import test, { type ExecutionContext } from 'ava';
import { accountsOf, goodPassword, openTestStorage } from '../../test/integration/rest-server.ts';
import { limits } from '../protocol/limits.ts';
import { type Administration, createAdministration } from './administration.ts';
import { FieldErrors, NotAllowed, NotFound } from './errors.ts';
import { type Actor, type Storage, StoreError, type User } from './ports.ts';

const operator: Actor = { userId: null, name: 'root', via: 'command' };
const minuteMs = 60_000;

type World = {
  storage: Storage;
  administration: Administration;
  now: () => number;
  pass: (ms: number) => void;
  /** A user, and that user as a superuser's actor. */
  user: (username: string) => Promise<User>;
};

async function openWorld(t: ExecutionContext): Promise<World> {
  const { storage, clock } = await openTestStorage(t);
  const accounts = accountsOf(storage, clock);
  const administration = createAdministration({ storage, accounts, clock });
  return {
    storage,
    administration,
    now: () => clock.now(),
    pass: (ms) => clock.pass(ms),
    user: (username) =>
      administration.createUser(operator, { username, password: goodPassword, email: '', isSuperuser: false }),
  };
}

const asActor = ({ id, username }: User): Actor => ({ userId: id, name: username, via: 'page' });

test('a room is made, changed and deleted', async (t) => {
  const { administration, storage, now, pass } = await openWorld(t);
  const made = await administration.createRoom(operator, { name: 'friends', topic: 'Be kind' });
  t.like(made, { name: 'friends', topic: 'Be kind', createdAt: now() });
  pass(minuteMs);
  const changed = await administration.changeRoom(operator, 'friends', { name: 'Friends', topic: '' });
  t.like(changed, { id: made.id, name: 'Friends', topic: '', updatedAt: now() });
  t.like(await administration.changeRoom(operator, 'Friends', { topic: 'Kinder' }), { name: 'Friends' });
  t.like(await administration.deleteRoom(operator, 'Friends'), { id: made.id, topic: 'Kinder' });
  t.deepEqual(await storage.rooms.list(), []);
});

test('all faults of a room’s fields are named at once, and nothing is done', async (t) => {
  const { administration, storage } = await openWorld(t);
  const faultsOf = async (room: { name: string; topic: string }): Promise<unknown> =>
    (await t.throwsAsync(administration.createRoom(operator, room), { instanceOf: FieldErrors })).fields;
  t.deepEqual(await faultsOf({ name: '', topic: 'x'.repeat(limits.topicLength + 1) }), {
    name: ['A room needs a name.'],
    topic: [`Ensure this field has no more than ${limits.topicLength} characters.`],
  });
  for (const topic of ['two\nlines', 'two\u2028lines', '\u001B[31mred', 'a\0b', '\uD800']) {
    t.deepEqual(Object.keys((await faultsOf({ name: 'ok', topic })) as object), ['topic'], JSON.stringify(topic));
  }
  t.deepEqual(await storage.rooms.list(), []);
  await administration.createRoom(operator, { name: 'ok', topic: 'x'.repeat(limits.topicLength) });
  await t.throwsAsync(administration.changeRoom(operator, 'ok', { name: '.hidden' }), { instanceOf: FieldErrors });
  await t.throwsAsync(administration.changeRoom(operator, 'ok', { topic: 'a\tb' }), { instanceOf: FieldErrors });
  t.is((await storage.rooms.list())[0]?.name, 'ok');
});

test('a room’s name that is taken is a fault of the name, and its topic stays', async (t) => {
  const { administration, storage } = await openWorld(t);
  await administration.createRoom(operator, { name: 'friends', topic: '' });
  await administration.createRoom(operator, { name: 'family', topic: 'ours' });
  for (const act of [
    () => administration.createRoom(operator, { name: 'FRIENDS', topic: '' }),
    () => administration.changeRoom(operator, 'family', { name: 'Friends', topic: 'theirs' }),
  ]) {
    const error = await t.throwsAsync(act(), { instanceOf: FieldErrors });
    t.deepEqual(Object.keys(error.fields), ['name']);
    t.true(error.cause instanceof StoreError && error.cause.kind === 'conflict');
  }
  t.is((await storage.rooms.findByName('family'))?.topic, 'ours');
});

test('what does not exist is said so, also by names that cannot exist', async (t) => {
  const { administration } = await openWorld(t);
  await administration.createRoom(operator, { name: 'friends', topic: '' });
  const cases: [act: Promise<unknown>, message: string][] = [
    [administration.changeRoom(operator, 'nowhere', { topic: '' }), 'There is no room nowhere.'],
    [administration.deleteRoom(operator, 'FRIENDS'), 'There is no room FRIENDS.'],
    [administration.deleteRoom(operator, 'a\0b'), 'There is no room a\0b.'],
    [administration.deleteMessage(operator, 'nowhere', 1), 'There is no room nowhere.'],
    [administration.deleteMessage(operator, 'friends', 1), 'There is no message 1.'],
    [administration.deleteMessage(operator, 'friends', Number.MAX_VALUE), `There is no message ${Number.MAX_VALUE}.`],
    [administration.kick(operator, 'nobody'), 'There is no user nobody.'],
    [administration.mute(operator, 'a\0b', 1), 'There is no user a\0b.'],
    [administration.unban(operator, '\uD800'), 'There is no user \uD800.'],
    [administration.setPassword(operator, 'nobody', goodPassword), 'There is no user nobody.'],
    [administration.createToken(operator, 'nobody', { label: 'bot', ttlDays: null }), 'There is no user nobody.'],
    [administration.revokeToken(operator, 'nobody', 1), 'There is no user nobody.'],
    [administration.revokeToken(operator, undefined, 4711), 'There is no token 4711.'],
  ];
  for (const [act, message] of cases) await t.throwsAsync(act, { instanceOf: NotFound, message }, message);
});

test('nobody locks oneself out, and everybody may be locked out by others and by the command line', async (t) => {
  const { administration, storage, user } = await openWorld(t);
  const [ada, eve] = [await user('ada'), await user('eve')];
  const forGood = { minutes: undefined, reason: '' };
  const acts: ((by: Actor) => Promise<User>)[] = [
    (by) => administration.kick(by, 'Ada'),
    (by) => administration.ban(by, 'ada', forGood),
    (by) => administration.setSuperuser(by, 'ada', false),
    (by) => administration.setActive(by, 'ada', false),
  ];
  for (const act of acts) {
    const error = await t.throwsAsync(act(asActor(ada)), { instanceOf: NotAllowed });
    t.regex(error.message, /^You cannot \w+ yourself: somebody else has to\.$/);
  }
  t.like(await storage.users.findById(ada.id), { isActive: true, ban: null });
  await t.notThrowsAsync(administration.mute(asActor(ada), 'ada', 1));
  await t.notThrowsAsync(administration.setActive(asActor(ada), 'ada', true));
  await t.notThrowsAsync(administration.unban(asActor(ada), 'ada'));
  for (const act of acts) {
    await t.notThrowsAsync(act(asActor(eve)));
    await t.notThrowsAsync(act(operator));
  }
});

test('a mute and a ban last for the minutes that were given', async (t) => {
  const { administration, storage, user, now, pass } = await openWorld(t);
  const { id } = await user('mallory');
  t.is((await administration.mute(operator, 'Mallory', 10)).mutedUntil, now() + 10 * minuteMs);
  pass(minuteMs);
  t.is((await administration.mute(operator, 'mallory', limits.banMinutes)).mutedUntil, now() + 525_600 * minuteMs);
  t.deepEqual((await administration.ban(operator, 'mallory', { minutes: 1, reason: 'spam' })).ban, {
    until: now() + minuteMs,
    reason: 'spam',
  });
  t.like(await storage.users.findById(id), {
    mutedUntil: now() + 525_600 * minuteMs,
    ban: { until: now() + minuteMs, reason: 'spam' },
  });
  t.deepEqual((await administration.ban(operator, 'mallory', { minutes: undefined, reason: '' })).ban, {
    until: null,
    reason: '',
  });
  t.is((await administration.unmute(operator, 'mallory')).mutedUntil, null);
  t.is((await administration.unban(operator, 'mallory')).ban, null);
  t.like(await storage.users.findById(id), { mutedUntil: null, ban: null });
});

test('minutes, reasons, labels and days out of bounds are faults of their fields', async (t) => {
  const { administration, storage, user } = await openWorld(t);
  await user('mallory');
  const cases: [act: Promise<unknown>, fields: string[]][] = [
    ...[0, -1, 1.5, Number.NaN, limits.banMinutes + 1].flatMap((minutes): [Promise<unknown>, string[]][] => [
      [administration.mute(operator, 'mallory', minutes), ['minutes']],
      [administration.ban(operator, 'mallory', { minutes, reason: '' }), ['minutes']],
    ]),
    [administration.ban(operator, 'mallory', { minutes: undefined, reason: 'x'.repeat(251) }), ['reason']],
    [administration.ban(operator, 'mallory', { minutes: 0, reason: 'a\nb' }), ['minutes', 'reason']],
    [administration.createToken(operator, 'mallory', { label: ' ', ttlDays: 0 }), ['label', 'days']],
    [administration.createToken(operator, 'mallory', { label: 'x'.repeat(251), ttlDays: 36_501 }), ['label', 'days']],
    [administration.createToken(operator, 'mallory', { label: 'a\nb', ttlDays: null }), ['label']],
  ];
  for (const [act, fields] of cases) {
    const error = await t.throwsAsync(act, { instanceOf: FieldErrors });
    t.deepEqual(Object.keys(error.fields), fields);
  }
  t.like(await storage.users.findByName('mallory'), { mutedUntil: null, ban: null });
  t.deepEqual(await storage.tokens.list(), []);
});

test('a password is held against the rules, its owner’s name included, unless they are waved through', async (t) => {
  const { administration, user } = await openWorld(t);
  await user('mallory');
  const error = await t.throwsAsync(administration.setPassword(operator, 'mallory', 'mallory1'), {
    instanceOf: FieldErrors,
  });
  t.deepEqual(error.fields, { password: ['The password is too similar to the username.'] });
  await t.notThrowsAsync(administration.setPassword(operator, 'mallory', '123', { skipPasswordRules: true }));
  await t.throwsAsync(administration.setPassword(operator, 'mallory', '', { skipPasswordRules: true }), {
    instanceOf: FieldErrors,
  });
  const weak = { username: 'eve', password: '123', email: 'no address', isSuperuser: false };
  const refused = await t.throwsAsync(administration.createUser(operator, weak), { instanceOf: FieldErrors });
  t.deepEqual(Object.keys(refused.fields).toSorted(), ['email', 'password']);
});

test('a token is revoked by its number, and under a user’s name only when it is that user’s', async (t) => {
  const { administration, storage, user, now } = await openWorld(t);
  for (const name of ['ada', 'botuser']) await user(name);
  const kept = await administration.createToken(operator, 'botuser', { label: 'news', ttlDays: null });
  const made = await administration.createToken(operator, 'botuser', { label: 'quotes', ttlDays: 2 });
  t.like(made, { record: { label: 'quotes', expiresAt: now() + 2880 * minuteMs }, user: { username: 'botuser' } });
  await t.throwsAsync(administration.revokeToken(operator, 'ada', made.record.id), { instanceOf: NotFound });
  t.like(await administration.revokeToken(operator, 'Botuser', made.record.id), { username: 'botuser' });
  const other = await administration.createToken(operator, 'botuser', { label: 'quotes', ttlDays: null });
  t.is(other.record.expiresAt, null);
  t.like(await administration.revokeToken(operator, undefined, other.record.id), { label: 'quotes' });
  t.deepEqual(
    (await storage.tokens.list()).map(({ id }) => id),
    [kept.record.id],
  );
});

test('a store that is away is no fault of a field', async (t) => {
  const { administration, storage } = await openWorld(t);
  await storage.close();
  const error = await t.throwsAsync(administration.createRoom(operator, { name: 'friends', topic: '' }), {
    instanceOf: StoreError,
  });
  t.not(error.kind, 'conflict');
});
