import test from 'ava';
import bcrypt from 'bcrypt';
import { Overloaded } from './errors.ts';
import { createPasswords } from './passwords.ts';

// The cheapest cost that bcrypt has.
const settings = { rounds: 4, concurrency: 2, maxQueued: 100 };

test('a password verifies against its own hash only, which has the cost that was set', async (t) => {
  const passwords = createPasswords({ ...settings, rounds: 5 });
  const hash = await passwords.hash('correct horse');
  t.is(bcrypt.getRounds(hash), 5);
  t.true(await passwords.verify('correct horse', hash));
  t.false(await passwords.verify('Correct horse', hash));
  t.false(await passwords.verifyNothing('correct horse'));
});

test('bytes beyond what bcrypt reads never count as the same password', async (t) => {
  const passwords = createPasswords(settings);
  const longest = 'x'.repeat(72);
  const hash = await passwords.hash(longest);
  t.true(await passwords.verify(longest, hash));
  t.false(await passwords.verify(`${longest}y`, hash));
  await t.throwsAsync(passwords.hash(`${longest}y`), { instanceOf: RangeError });
});

test('a NUL does not end a password', async (t) => {
  const passwords = createPasswords(settings);
  t.false(await passwords.verify('secret\0tail', await passwords.hash('secret')));
});

// At a cost of 12 one hash takes some 200 ms, a refusal without one no time: the bound tells them apart on any machine.
test('nobody’s password takes a full hash to refuse', async (t) => {
  const passwords = createPasswords({ ...settings, rounds: 12 });
  const hash = await passwords.hash('correct horse');
  const time = async (work: () => Promise<unknown>): Promise<number> => {
    const begun = performance.now();
    await work();
    return performance.now() - begun;
  };
  const full = await time(() => passwords.verify('wrong', hash));
  t.true((await time(() => passwords.verifyNothing('wrong'))) > full / 4);
  t.true((await time(() => passwords.verifyNothing('x'.repeat(100)))) > full / 4);
  t.true((await time(() => passwords.verify('x'.repeat(100), hash))) > full / 4);
});

test('beyond the bound of running and waiting hashes a call is refused at once, and later taken again', async (t) => {
  const passwords = createPasswords({ rounds: 4, concurrency: 2, maxQueued: 3 });
  const calls = Array.from({ length: 8 }, () => passwords.hash('correct horse'));
  const outcomes = await Promise.allSettled(calls);
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 5);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') t.true(outcome.reason instanceof Overloaded);
  }
  await t.notThrowsAsync(passwords.hash('correct horse'));
});
