/** What a word is, for the search: the same on both dialects, whatever their own rules and locales are. */

/** Longer words are cut: nobody types more of one, and the index of one message stays small. */
const wordLength = 64;

/** The distinct words of a text, in their first order. */
export function wordsOf(text: string): string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return Array.from(new Set(words.map((word) => Array.from(word).slice(0, wordLength).join(''))));
}
