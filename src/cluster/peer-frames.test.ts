import test from 'ava';
import fc from 'fast-check';
import { parsePeerFrame } from './peer-frames.ts';

const head = { v: 1, from: 'a', at: 1 };
const frames: object[] = [
  { ...head, type: 'ask', id: 1, kind: 'rooms', by: 2.5, value: {} },
  { ...head, type: 'clock', id: 1 },
  { ...head, type: 'answer', id: 1, value: { ids: [1] } },
  { ...head, type: 'none', id: 1 },
  { ...head, type: 'abort', ids: [1, 2] },
  { ...head, type: 'tell', kind: 'counts', value: {} },
];

test('what nodes say is recognised', (t) => {
  for (const frame of frames) t.true(parsePeerFrame(frame) === frame);
});

test('a frame that lacks a field, or has another in its place, is garbage', (t) => {
  for (const frame of frames) {
    for (const field of Object.keys(frame)) {
      for (const wrong of [undefined, null, '', 'x'.repeat(101), 1.5, Number.NaN, [], ['1'], true]) {
        const isFine = (field === 'by' || field === 'at') && wrong === 1.5;
        const isEmptyList = field === 'ids' && Array.isArray(wrong) && wrong.length === 0;
        if (isFine || isEmptyList) continue;
        t.is(
          parsePeerFrame({ ...frame, [field]: wrong }),
          'garbage',
          `${JSON.stringify(frame)}: ${field} ${String(wrong)}`,
        );
      }
    }
  }
});

test('another version is told apart', (t) => {
  t.is(parsePeerFrame({ v: 2, anything: true }), 'other-version');
});

test('nothing that is heard makes it throw', (t) => {
  fc.assert(fc.property(fc.jsonValue(), (heard) => typeof parsePeerFrame(heard) === 'string'));
  t.pass();
});
