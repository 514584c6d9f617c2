import test from 'ava';
import { piecesOf } from './links.ts';

const linksIn = (text: string) =>
  piecesOf(text).flatMap(({ text: shown, href }) => (href === undefined ? [] : [[shown, href]]));

test('pages and mail addresses are links, with the text around them', (t) => {
  t.deepEqual(piecesOf('see https://example.com/a?b=c#d, or ask ada@example.com.'), [
    { text: 'see ' },
    { text: 'https://example.com/a?b=c#d', href: 'https://example.com/a?b=c#d' },
    { text: ', or ask ' },
    { text: 'ada@example.com', href: 'mailto:ada@example.com' },
    { text: '.' },
  ]);
});

test('brackets and punctuation around a link are not part of it', (t) => {
  t.deepEqual(linksIn('(http://example.com/x_(y)) <https://example.org>!'), [
    ['http://example.com/x_(y)', 'http://example.com/x_(y)'],
    ['https://example.org', 'https://example.org'],
  ]);
});

test('nothing but pages and mail is a link', (t) => {
  for (const text of [
    'javascript:alert(1)//http:',
    'JaVaScRiPt:alert("@")',
    'data:text/html,<script>alert(1)</script>@',
    'ftp://example.com http:',
    'file:///etc/passwd http:',
    'vbscript:x http:',
    '//example.com http:',
    'aapl.us http:',
  ]) {
    t.deepEqual(linksIn(text), [], text);
  }
});

test('of a text with hundreds of links the first ones are links', (t) => {
  for (const link of ['http://a.b', 'a@bc.de']) {
    const text = `${link} `.repeat(400);
    const pieces = piecesOf(text);
    t.is(pieces.filter(({ href }) => href !== undefined).length, 50);
    t.is(pieces.length, 100);
    t.is(pieces.map((piece) => piece.text).join(''), text);
  }
});

test('an address that turns its own letters around is no link', (t) => {
  for (const control of ['\u202e', '\u2067', '\u200f', '\u061c']) {
    const text = `https://evil.example/${control}moc.knab//:sptth`;
    t.deepEqual(piecesOf(text), [{ text }]);
  }
});

test('all pieces together are the text', (t) => {
  for (const text of ['', 'a', 'a\nb', '<b>https://example.com</b>', 'x@y.z @@@ http:// https://é.example/ü 👍']) {
    t.is(
      piecesOf(text)
        .map((piece) => piece.text)
        .join(''),
      text,
    );
  }
});

test('a long text of almost links is read in little time', (t) => {
  const text = 'http:@'.repeat(700);
  const begin = performance.now();
  piecesOf(text);
  // Far above what it takes, far below what a search that goes wrong would.
  t.true(performance.now() - begin < 1000);
});
