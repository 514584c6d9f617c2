import test from 'ava';
import { mentions } from './mentions.ts';

const named: readonly [text: string, name: string][] = [
  ['ann', 'ann'],
  ['hello Ann!', 'ann'],
  ['@ann', 'ann'],
  ['(@ANN)', 'ann'],
  ['ann, are you there?', 'ann'],
  ['ask ann.', 'ann'],
  ["ann's idea", 'ann'],
  ['annie and ann', 'ann'],
  ['ΣΟΦΟΣ', 'σοφος'],
  ['Straße'.toUpperCase(), 'straße'],
  ['привет, Аня', 'аня'],
  ['@ann.smith knows', 'ann.smith'],
  ['ann.smith.', 'ann.smith'],
  ['@a', 'a'],
  ['🎉ann🎉', 'ann'],
  ['ａｎｎ', 'ann'],
  ['@@ann', '@ann'],
];
for (const [text, name] of named) {
  test(`${JSON.stringify(text)} names ${name}`, (t) => t.true(mentions(text, name)));
}

const unnamed: readonly [text: string, name: string][] = [
  ['', 'ann'],
  ['hello', 'ann'],
  ['annie', 'ann'],
  ['joann', 'ann'],
  ['ann.smith', 'ann'],
  ['jo.ann', 'ann'],
  ['mail@ann', 'ann'],
  ['ann@mail.example', 'ann'],
  ['ann_2', 'ann'],
  ['ann2', 'ann'],
  ['ann\u0301', 'ann'],
  ['a cat', 'a'],
  ['ann', ''],
];
for (const [text, name] of unnamed) {
  test(`${JSON.stringify(text)} does not name ${name}`, (t) => t.false(mentions(text, name)));
}
