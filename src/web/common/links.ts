/** What in a text is a link. The text stays text: it is cut into pieces, which the page shows as they are. */
import { LinkifyIt } from 'linkify-it';

export type Piece = { text: string; href?: string };

/** Without a scheme only mail addresses: `aapl.us` is a stock, not a site. */
const finder = new LinkifyIt({ fuzzyLink: false, fuzzyEmail: true }).add('ftp:', null).add('//', null);

/** What a press on it does is known: opens a page, or writes a mail. */
const schemes: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:']);

/** A link must begin with one of these; most texts have none, and are not looked at further. */
const hint = /https?:|@/i;

/** More than anybody presses: hundreds in each of many messages would keep the page from everything else. */
const maxLinks = 50;

/** Characters that turn the order of others around: with them an address could look like another one. */
const bidiControl = /\p{Bidi_Control}/u;

export function piecesOf(text: string): readonly Piece[] {
  if (!hint.test(text)) return [{ text }];
  const pieces: Piece[] = [];
  let end = 0;
  let links = 0;
  for (const match of finder.match(text) ?? []) {
    if (!isSafe(match.url)) continue;
    links += 1;
    if (links > maxLinks) break;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: match.raw, href: match.url });
    end = match.lastIndex;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

function isSafe(url: string): boolean {
  if (bidiControl.test(url)) return false;
  try {
    return schemes.has(new URL(url).protocol);
  } catch {
    return false;
  }
}
