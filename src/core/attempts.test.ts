import type { ExecutionContext } from 'ava';
import test from 'ava';
import { createMemoryAttemptCounter } from '../bus/memory.ts';
import { type Attempts, attemptLimits, createAttempts } from './attempts.ts';
import { TooManyAttempts } from './errors.ts';

function open(t: ExecutionContext): Attempts {
  const counter = createMemoryAttemptCounter();
  t.teardown(() => counter.close());
  return createAttempts(counter);
}

async function allowed(attempt: () => Promise<void>, times: number): Promise<number> {
  let count = 0;
  for (let index = 0; index < times; index += 1) {
    try {
      await attempt();
      count += 1;
    } catch (error) {
      if (!(error instanceof TooManyAttempts)) throw error;
    }
  }
  return count;
}

test('guessing one name from one address ends at the limit, however the name is written', async (t) => {
  const attempts = open(t);
  const { limit, windowMs } = attemptLimits.loginOfNameFromAddress;
  t.is(await allowed(() => attempts.login('alice', '192.0.2.1'), limit + 5), limit);
  const error = await t.throwsAsync(attempts.login('ＡＬＩＣＥ', '192.0.2.1'), { instanceOf: TooManyAttempts });
  t.true(error.retryAfterMs > 0 && error.retryAfterMs <= windowMs);
  await t.notThrowsAsync(attempts.login('alice', '192.0.2.2'));
  await t.notThrowsAsync(attempts.login('bob', '192.0.2.1'));
});

test('a log-in that went well clears its name at this address', async (t) => {
  const attempts = open(t);
  const { limit } = attemptLimits.loginOfNameFromAddress;
  await allowed(() => attempts.login('alice', '192.0.2.1'), limit);
  await attempts.loggedIn('alice', '192.0.2.1');
  await t.notThrowsAsync(attempts.login('alice', '192.0.2.1'));
});

test('one address cannot go through all names', async (t) => {
  const attempts = open(t);
  const { limit } = attemptLimits.loginFromAddress;
  let number = 0;
  t.is(await allowed(() => attempts.login(`user${number++}`, '192.0.2.1'), limit + 5), limit);
});

test('one address cannot lock a name out for the others, however hard it tries', async (t) => {
  const attempts = open(t);
  await allowed(() => attempts.login('alice', '192.0.2.1'), attemptLimits.loginOfName.limit * 2);
  await t.notThrowsAsync(attempts.login('alice', '192.0.2.2'));
});

test('registrations are counted for each address', async (t) => {
  const attempts = open(t);
  const { limit } = attemptLimits.registrationFromAddress;
  t.is(await allowed(() => attempts.registration('192.0.2.1'), limit + 1), limit);
  await t.notThrowsAsync(attempts.registration('192.0.2.2'));
});
