import test from 'ava';
import { RequestError } from '../../client/errors.ts';
import { formFaultsOf, isGone, sentenceOf } from './faults.ts';

const refusal = (status: number, fields: Record<string, string[]> = {}, detail?: string) =>
  new RequestError(status, fields, detail);

test('every failure is one sentence that says what to do', (t) => {
  for (const status of [0, 401, 403, 404, 500, 502, 503, 504]) {
    t.regex(sentenceOf(refusal(status)), /^[A-Z].*\.$/, String(status));
  }
  t.regex(sentenceOf(new TypeError('x is not a function')), /^Something went wrong/);
});

test('a refusal that the server explains is passed on', (t) => {
  t.is(sentenceOf(refusal(409, {}, 'You cannot ban yourself.')), 'You cannot ban yourself.');
  t.is(sentenceOf(refusal(429, {}, 'Wait 5 seconds.')), 'Wait 5 seconds.');
});

test('sentences go to the fields that a form has, and others to the form', (t) => {
  const faults = formFaultsOf(refusal(400, { name: ['Taken.'], other: ['Wrong.'], non_field_errors: ['No.'] }), [
    'name',
  ]);
  t.deepEqual(faults, { fields: { name: ['Taken.'] }, form: ['Wrong.', 'No.'] });
});

test('a form never fails without a word', (t) => {
  for (const error of [refusal(400), refusal(0), new Error('x')]) {
    t.true(formFaultsOf(error, ['name']).form.length > 0);
  }
});

test('what is gone is told from what failed', (t) => {
  t.true(isGone(refusal(404)));
  t.false(isGone(refusal(500)));
  t.false(isGone(new Error('404')));
});
