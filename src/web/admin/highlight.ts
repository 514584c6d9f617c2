/** Which parts of a message a search has found: as the server finds them, by the beginnings of words. */

export type Piece = { text: string; isFound: boolean };

const word = /[\p{L}\p{N}]+/gu;

/** The pieces, joined, are `text` again. */
export function highlight(text: string, query: string): Piece[] {
  const wanted = (query.toLowerCase().match(word) ?? []).sort((a, b) => b.length - a.length);
  if (wanted.length === 0) return [{ text, isFound: false }];
  const pieces: Piece[] = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(word)) {
    const lower = found.toLowerCase();
    const match = wanted.find((beginning) => lower.startsWith(beginning));
    if (match === undefined) continue;
    if (index > done) pieces.push({ text: text.slice(done, index), isFound: false });
    // A letter whose small form is longer (İ) moves the places: then the whole word is marked.
    const end = index + (lower.length === found.length ? match.length : found.length);
    pieces.push({ text: text.slice(index, end), isFound: true });
    done = end;
  }
  if (done < text.length || pieces.length === 0) pieces.push({ text: text.slice(done), isFound: false });
  return pieces;
}
