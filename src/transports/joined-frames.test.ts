import test from 'ava';
import type { EncodedFrame } from '../core/transport.ts';
import { createJoinFrames } from './joined-frames.ts';

const frameOf = (text: string): EncodedFrame => ({ bytes: Buffer.from(text) });

/** As RFC 6455 §5.2 has it. */
function readFrames(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== 0x81) throw new Error(`No whole text frame at ${at}.`);
    const short = bytes[at + 1] ?? 0;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    const length =
      short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short === 126 ? bytes.readUInt16BE(at + 2) : short;
    texts.push(bytes.toString('utf8', at + head, at + head + length));
    at += head + length;
  }
  return texts;
}

test('messages of every length are whole text frames, one after the other', (t) => {
  const texts = [0, 1, 125, 126, 65_535, 65_536, 3].map((length) => 'x'.repeat(length));
  t.deepEqual(readFrames(createJoinFrames()(texts.map(frameOf))), texts);
});

test('whoever gets the same messages gets the same bytes, also when some get others in between', (t) => {
  const join = createJoinFrames();
  const [first, second] = [frameOf('first'), frameOf('second')];
  const shared = join([first, second]);
  for (const own of ['one', 'two', 'three']) {
    t.deepEqual(readFrames(join([frameOf(own), second])), [own, 'second']);
    t.is(join([first, second]), shared);
  }
});

test('other messages are other bytes', (t) => {
  const join = createJoinFrames();
  const [first, second, third] = [frameOf('first'), frameOf('second'), frameOf('third')];
  for (const [frames, texts] of [
    [
      [first, second],
      ['first', 'second'],
    ],
    [[first], ['first']],
    [
      [first, second],
      ['first', 'second'],
    ],
    [[second], ['second']],
    [
      [third, second],
      ['third', 'second'],
    ],
    [
      [first, third],
      ['first', 'third'],
    ],
    [[], []],
  ] as const) {
    t.deepEqual(readFrames(join(frames)), texts);
  }
});
