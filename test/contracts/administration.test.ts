/** Every administrative act leaves its record, on both databases, with who did it and from where, and without a secret. */
import test from 'ava';
import { type Administration, createAdministration } from '../../src/core/administration.ts';
import { systemClock } from '../../src/core/clock.ts';
import { FieldErrors, NotFound } from '../../src/core/errors.ts';
import type { Actor } from '../../src/core/ports.ts';
import { auditActs } from '../../src/protocol/admin.ts';
import { accountsOf } from '../integration/rest-server.ts';
import { eachDatabase } from '../support/databases.ts';

const boss: Actor = { userId: 4711, name: 'Boss', via: 'page' };
const command: Actor = { userId: null, name: 'uid 1000', via: 'command' };

eachDatabase(test, 'every act is noted once, with its actor, and no secret is', async (t, db) => {
  const storage = await db.open();
  const account = { username: 'Boss', email: '', passwordHash: 'x', isSuperuser: true, createdAt: 1 };
  const page: Actor = { ...boss, userId: (await storage.users.create(account)).id };
  const administration = createAdministration({
    storage,
    accounts: accountsOf(storage, systemClock),
    clock: systemClock,
  });
  const secrets = ['first secret 1', 'second secret 2'] as const;
  const expected: [act: string, target: string, actor: Actor][] = [];
  const act = async <T>(
    name: (typeof auditActs)[number],
    target: string,
    run: (by: Actor) => Promise<T>,
  ): Promise<T> => {
    const by = expected.length % 2 === 0 ? page : command;
    expected.push([name, target, by]);
    return run(by);
  };

  await act('user-created', 'mallory', (by) =>
    administration.createUser(by, { username: 'mallory', password: secrets[0], email: '', isSuperuser: false }),
  );
  await act('room-created', 'friends', (by) => administration.createRoom(by, { name: 'friends', topic: '' }));
  await act('room-topic-changed', 'friends', (by) => administration.changeRoom(by, 'friends', { topic: 'Be kind' }));
  await act('room-renamed', 'enemies', (by) => administration.changeRoom(by, 'friends', { name: 'enemies' }));
  const room = await storage.rooms.findByName('enemies');
  const mallory = await storage.users.findByName('mallory');
  const said = { roomId: room?.id ?? 0, userId: mallory?.id ?? 0, body: 'a nasty word', ref: 'r', createdAt: 1 };
  t.like(await storage.messages.append([said]), [{ status: 'stored', id: 1 }]);
  await act('message-deleted', 'enemies', (by) => administration.deleteMessage(by, 'enemies', 1));
  await t.throwsAsync(administration.deleteMessage(page, 'enemies', 1), { message: 'There is no message 1.' });
  await act('room-deleted', 'enemies', (by) => administration.deleteRoom(by, 'enemies'));
  await act('user-promoted', 'mallory', (by) => administration.setSuperuser(by, 'mallory', true));
  await act('user-demoted', 'mallory', (by) => administration.setSuperuser(by, 'mallory', false));
  await act('user-password-set', 'mallory', (by) => administration.setPassword(by, 'mallory', secrets[1]));
  await act('user-kicked', 'mallory', (by) => administration.kick(by, 'mallory'));
  await act('user-muted', 'mallory', (by) => administration.mute(by, 'mallory', 5));
  await act('user-unmuted', 'mallory', (by) => administration.unmute(by, 'mallory'));
  await act('user-banned', 'mallory', (by) => administration.ban(by, 'mallory', { minutes: 5, reason: 'rude' }));
  await act('user-unbanned', 'mallory', (by) => administration.unban(by, 'mallory'));
  await act('user-deactivated', 'mallory', (by) => administration.setActive(by, 'mallory', false));
  await act('user-activated', 'mallory', (by) => administration.setActive(by, 'mallory', true));
  const { token, record } = await act('token-created', 'mallory', (by) =>
    administration.createToken(by, 'mallory', { label: 'quotes', ttlDays: null }),
  );
  await act('token-revoked', 'mallory', (by) => administration.revokeToken(by, 'mallory', record.id));

  const noted = await storage.audit.list({ limit: 100 });
  t.deepEqual(
    noted.map((entry) => [entry.act, entry.target, entry.actor, entry.via]).toReversed(),
    expected.map(([name, target, by]) => [name, target, by.name, by.via]),
  );
  t.deepEqual(noted.map((entry) => entry.act).toSorted(), [...auditActs].toSorted(), 'each act there is was done');
  const text = JSON.stringify(noted);
  for (const secret of [...secrets, token, 'nasty']) t.false(text.includes(secret), secret);
  t.true(text.includes('rude'));
  const detailsOf = (name: (typeof auditActs)[number]) => noted.find((entry) => entry.act === name)?.details;
  t.deepEqual(detailsOf('room-renamed'), { from: 'friends' });
  t.deepEqual(detailsOf('message-deleted'), { id: 1, user: 'mallory' });
  t.deepEqual(detailsOf('token-created'), { id: record.id, label: 'quotes' });
  for (const name of ['user-muted', 'user-banned'] as const) {
    t.regex(String(detailsOf(name)?.['until']), /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/, name);
  }
});

eachDatabase(test, 'what is refused leaves no record', async (t, db) => {
  const storage = await db.open();
  const administration = createAdministration({
    storage,
    accounts: accountsOf(storage, systemClock),
    clock: systemClock,
  });
  await administration.createRoom(boss, { name: 'friends', topic: '' });
  await t.throwsAsync(administration.createRoom(boss, { name: 'FRIENDS', topic: '' }));
  await t.throwsAsync(administration.createRoom(boss, { name: 'a b', topic: '' }));
  await t.throwsAsync(administration.changeRoom(boss, 'nowhere', { topic: 'new' }));
  await t.throwsAsync(administration.kick(boss, 'nobody'));
  for (const id of [0, -1, 1.5, Number.NaN, Number.MAX_VALUE]) {
    await t.throwsAsync(administration.deleteMessage(boss, 'friends', id), { instanceOf: NotFound }, String(id));
  }
  t.is((await storage.audit.list({ limit: 10 })).length, 1);
});

eachDatabase(test, 'of two who do the same at once, one does it, and it is noted once', async (t, db) => {
  const [first, second] = [await db.open(), await db.open()];
  const desks = [first, second].map((storage) =>
    createAdministration({ storage, accounts: accountsOf(storage, systemClock), clock: systemClock }),
  );
  const race = async (act: (desk: Administration) => Promise<unknown>, loser: new (...args: never[]) => Error) => {
    const ends = await Promise.allSettled(desks.map(act));
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    t.is(failures.length, 1);
    t.true(failures[0] instanceof loser, String(failures[0]));
  };
  await race((desk) => desk.createRoom(boss, { name: 'friends', topic: '' }), FieldErrors);
  const author = await first.users.create({
    username: 'ann',
    email: '',
    passwordHash: 'x',
    isSuperuser: false,
    createdAt: 1,
  });
  const room = await first.rooms.findByName('friends');
  const said = { roomId: room?.id ?? 0, userId: author.id, body: 'hello', ref: 'r', createdAt: 1 };
  await first.messages.append([said]);
  await race((desk) => desk.deleteMessage(boss, 'friends', 1), NotFound);
  await race((desk) => desk.deleteRoom(boss, 'friends'), NotFound);
  const { record } = await (desks[0] as Administration).createToken(boss, 'ann', { label: 'bot', ttlDays: null });
  await race((desk) => desk.revokeToken(boss, undefined, record.id), NotFound);
  t.deepEqual(
    (await first.audit.list({ limit: 10 })).map(({ act }) => act),
    ['token-revoked', 'token-created', 'room-deleted', 'message-deleted', 'room-created'],
  );
});
