import test from 'ava';
import { closeCodes, retryAfterClose } from './close-codes.ts';
import { closeAfter, type FatalCode, fatalCodes } from './errors.ts';
import { limits } from './limits.ts';

test('each close code stands once, in the range that it may be sent in', (t) => {
  const codes = Object.values(closeCodes).map((entry) => entry.code);
  t.is(new Set(codes).size, codes.length);
  for (const code of codes) t.true((code >= 1000 && code <= 1014) || (code >= 4000 && code <= 4999), String(code));
});

test('a client comes back after a passing fault, and not after a refusal', (t) => {
  for (const code of [1002, 1007, 1009, 1011, 4408, 4429, 1005, 1006, 4999]) t.is(retryAfterClose(code), 'backoff');
  for (const code of [1012, 1013]) t.is(retryAfterClose(code), 'jitter');
  for (const code of [1000, 4401, 4403, 4409, 4410]) t.is(retryAfterClose(code), 'no');
});

test('no client comes back by itself after a fatal', (t) => {
  for (const code of Object.keys(fatalCodes) as FatalCode[]) {
    t.is(retryAfterClose(closeCodes[closeAfter(code)].code), 'no', code);
  }
});

test('a client message has room for the longest body with every character escaped', (t) => {
  const longest = { type: 'message', room_name: 'x'.repeat(limits.roomNameLength), body: '\u0001'.repeat(10_000) };
  t.true(JSON.stringify({ ...longest, ref: 'r'.repeat(limits.refLength) }).length < limits.clientMessageBytes);
  t.true(limits.bodyLength <= 10_000);
});
