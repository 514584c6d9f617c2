import test from 'ava';
import type { Cursor } from '../core/cursor.ts';
import type { EncodedFrame } from '../core/transport.ts';
import { createEventLayout, type EventLayout } from './event-layout.ts';

const frameOf = (text: string): EncodedFrame => ({ bytes: Buffer.from(text) });
const session = 'kV1-_abcdefghijklmnop';

/** What one chunk holds (RFC 9112 §7.1). */
function readChunk(chunk: Buffer): string {
  const bytes = chunk.toString('latin1');
  const [, digits = '', body = ''] = /^([0-9a-f]+)\r\n([^]*)\r\n$/.exec(bytes) ?? [];
  if (Number.parseInt(digits, 16) !== body.length) throw new Error(`No whole chunk: ${bytes}`);
  return Buffer.from(body, 'latin1').toString();
}

const eventsOf = (texts: readonly string[], { session: id, n }: Cursor): string =>
  texts.map((text, index) => `id: ${id}.${n + index}\ndata: ${text}\n\n`).join('');

test('events of every length have the ids of their numbers, also where these become longer', (t) => {
  const layout = createEventLayout();
  const texts = ['', '"ä€😀"', 'x'.repeat(15), 'y'.repeat(70_000), '{}'];
  const frames = texts.map(frameOf);
  for (const n of [1, 2, 6, 8, 9, 10, 18, 96, 99, 100, 108, 198, 995, 1099, 1998, 12_345, 99_997, 2 ** 53 - 9]) {
    for (const count of [1, 2, 3, 5]) {
      for (const id of [session, 's']) {
        const list = frames.slice(0, count);
        t.is(readChunk(layout.chunkOf(list, { session: id, n })), eventsOf(texts.slice(0, count), { session: id, n }));
      }
    }
  }
});

test('one list for receivers whose numbers are as long, longer and about to be longer', (t) => {
  const layout = createEventLayout();
  const texts = ['one', 'two', 'three'];
  const frames = texts.map(frameOf);
  for (const n of [5, 1, 8, 9, 7, 98, 50, 8, 99, 10, 100, 5]) {
    t.is(readChunk(layout.chunkOf(frames, { session, n })), eventsOf(texts, { session, n }), `from ${n}`);
  }
});

test('events without a cursor have no id', (t) => {
  const layout = createEventLayout();
  const frames = ['one', 'two'].map(frameOf);
  const read = (first?: Cursor): string => readChunk(layout.chunkOf(frames, first));
  t.is(read(), 'data: one\n\ndata: two\n\n');
  t.is(read({ session, n: 3 }), eventsOf(['one', 'two'], { session, n: 3 }));
  t.is(read(), 'data: one\n\ndata: two\n\n');
});

const chunkOf = (layout: EventLayout, frames: readonly EncodedFrame[], n: number): Buffer =>
  layout.chunkOf(frames, { session, n });

test('receivers of one list share its bytes, also while others get something else', (t) => {
  const layout = createEventLayout();
  const shown = [frameOf('shown')];
  const bytes = chunkOf(layout, shown, 11);
  t.is(chunkOf(layout, shown, 12), bytes);
  t.not(chunkOf(layout, shown, 112), bytes);
  t.not(chunkOf(layout, [frameOf('own')], 11), bytes);
  t.is(chunkOf(layout, shown, 13), bytes);
});

test('three are remembered, in whatever order they are used, and no more', (t) => {
  const layout = createEventLayout();
  const [one, two, three] = [[frameOf('one')], [frameOf('two')], [frameOf('three')]];
  const bytes = new Map([one, two, three].map((list) => [list, chunkOf(layout, list, 1)]));
  for (const list of [two, one, three, two, three, one]) t.true(chunkOf(layout, list, 9) === bytes.get(list));
  chunkOf(layout, [frameOf('four')], 1);
  t.false(chunkOf(layout, two, 1) === bytes.get(two));
});

test('what is kept is not written into again, and the others still share', (t) => {
  const layout = createEventLayout();
  const [shown, other] = [[frameOf('shown')], [frameOf('other')]];
  const bytesOfOther = chunkOf(layout, other, 11);
  const first = chunkOf(layout, shown, 11);
  layout.keep();
  const second = chunkOf(layout, shown, 12);
  t.is(readChunk(first), eventsOf(['shown'], { session, n: 11 }));
  t.is(readChunk(second), eventsOf(['shown'], { session, n: 12 }));
  t.is(chunkOf(layout, shown, 13), second);
  t.is(chunkOf(layout, other, 12), bytesOfOther);
  // Kept without having been remembered.
  chunkOf(layout, ['one', 'two'].map(frameOf), 9);
  layout.keep();
  t.is(chunkOf(layout, other, 13), bytesOfOther);
  t.is(chunkOf(layout, shown, 14), second);
});

test('what is too long to be remembered is laid out for each', (t) => {
  const layout = createEventLayout();
  const long = [frameOf('x'.repeat(70_000))];
  t.not(chunkOf(layout, long, 12), chunkOf(layout, long, 11));
});
