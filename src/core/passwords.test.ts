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

// Time of the processor, not of the clock, so that a busy machine changes nothing; serial, so that nothing else adds to it.
// One hash at a cost of 12 takes some 200 ms of it, a refusal without a hash less than 1.
test.serial('a password that can be nobody’s costs a whole hash to refuse, like all others', async (t) => {
  const passwords = createPasswords({ ...settings, rounds: 12 });
  const hash = await passwords.hash('correct horse');
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    const begun = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1000;
  };
  const overlong = 'x'.repeat(100);
  for (const work of [
    () => passwords.verify('wrong', hash),
    () => passwords.verify(overlong, hash),
    () => passwords.verifyNothing('wrong'),
    () => passwords.verifyNothing(overlong),
  ]) {
    t.true((await cost(work)) > 25);
  }
});

test('on a machine of many cores, hashes still leave a thread to others', async (t) => {
  const passwords = createPasswords({ rounds: 4, concurrency: 64, maxQueued: 2 });
  const outcomes = await Promise.allSettled(Array.from({ length: 64 }, () => passwords.hash('correct horse')));
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 3 + 2);
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
