import test from 'ava';
import { passwordFaults, passwordHardFaults } from './password-rules.ts';

const short = 'This password is too short. It must contain at least 8 characters.';
const long = 'This password is too long. It must contain at most 72 bytes in UTF-8.';
const common = 'This password is too common.';
const numeric = 'This password is entirely numeric.';
const likeName = 'The password is too similar to the username.';
const likeEmail = 'The password is too similar to the email address.';

test('a good password has no faults', (t) => {
  for (const password of ['correct horse', 'kl93-fjw', 'größer als 2', 'x7'.repeat(36)]) {
    t.deepEqual(passwordFaults(password, { username: 'alice', email: 'alice@example.com' }), [], password);
  }
});

test('every fault of a password is named at once', (t) => {
  t.deepEqual(passwordFaults('12345', {}), [short, numeric]);
  t.deepEqual(passwordFaults('12345678', {}), [common, numeric]);
  t.deepEqual(passwordFaults('٠١٢٣٤٥٦٧٨٩٣٧', {}), [numeric]);
  t.deepEqual(passwordFaults('PassWord', { username: 'password' }), [likeName, common]);
});

test('the upper bound counts bytes, not characters', (t) => {
  t.deepEqual(passwordFaults('ä'.repeat(36), {}), []);
  t.deepEqual(passwordFaults('ä'.repeat(37), {}), [long]);
  t.deepEqual(passwordFaults('x'.repeat(60_000), { username: 'x'.repeat(60_000) }), [long]);
});

test('a password like the name or a part of the address is refused', (t) => {
  const owner = { username: 'Alice.Wonder', email: 'lewis.carroll@oxford.example' };
  for (const password of ['alice.wonder', 'ALICE.W0NDER', 'alicewonder', 'alice12345', 'wonder!99']) {
    t.deepEqual(passwordFaults(password, owner), [likeName], password);
  }
  for (const password of ['carroll1865', 'lewis.carrol', 'oxford-1']) {
    t.deepEqual(passwordFaults(password, owner), [likeEmail], password);
  }
});

test('a long password may name its owner', (t) => {
  t.deepEqual(passwordFaults('battery alice staple horse', { username: 'alice', email: '' }), []);
  t.deepEqual(passwordFaults('abcd-ef-ghij', { username: 'a' }), []);
});

test('what cannot be stored or would be cut is a fault that nobody waves through', (t) => {
  t.deepEqual(passwordHardFaults('12345'), []);
  t.deepEqual(passwordHardFaults(''), ['This field may not be blank.']);
  t.deepEqual(passwordHardFaults('a\0b'), ['Null characters are not allowed.']);
  t.deepEqual(passwordHardFaults('a\ud800b'), ['Surrogate characters are not allowed: U+D800.']);
  t.deepEqual(passwordHardFaults('x'.repeat(73)), [long]);
});
