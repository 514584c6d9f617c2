import test from 'ava';
import { detailsOf } from './audit-details.ts';

test('details are said in words', (t) => {
  t.deepEqual(detailsOf({ details: { from: 'old', to: '' } }), [
    { title: 'From', text: 'old' },
    { title: 'To', text: '(nothing)' },
  ]);
  t.deepEqual(detailsOf({ details: { is_superuser: true } }), [{ title: 'Superuser', text: 'yes' }]);
  t.deepEqual(detailsOf({ details: { messages: 12 } }), [{ title: 'Messages', text: '12' }]);
});

test('a ban without an end is for good, and no reason is none', (t) => {
  t.deepEqual(detailsOf({ details: { until: null, reason: '' } }), [{ title: 'Until', text: 'for good' }]);
});

test('times are told from texts', (t) => {
  t.deepEqual(detailsOf({ details: { until: '2026-01-02T03:04:05.000Z', reason: '2026' } }), [
    { title: 'Until', time: '2026-01-02T03:04:05.000Z' },
    { title: 'Reason', text: '2026' },
  ]);
});

test('what nobody here has heard of is shown as it is', (t) => {
  t.deepEqual(detailsOf({ details: { colour: 'red', constructor: 'x', label: null } }), [
    { title: 'colour', text: 'red' },
    { title: 'constructor', text: 'x' },
  ]);
});
