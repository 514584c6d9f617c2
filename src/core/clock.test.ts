import test from 'ava';
import { randomText } from './clock.ts';

test('texts drawn at random are as long as asked for, and share nothing', (t) => {
  const lengths = [16, 32, 1, 3_000, 5_000, 16, 4_096, 32];
  const many = Array.from({ length: 1_000 }, () => 16);
  const drawn = [...lengths, ...many].map((bytes) => ({ bytes, text: randomText(bytes) }));
  for (const { bytes, text } of drawn) t.is(Buffer.from(text, 'base64url').length, bytes);
  // What every text has of others would be the pool's, given away twice. (By chance: once in 2^64 pairs.)
  const parts = drawn.flatMap(({ text }) => text.match(/.{11}/g) ?? []);
  t.is(new Set(parts).size, parts.length);
  t.false(parts.includes('AAAAAAAAAAA'));
});
