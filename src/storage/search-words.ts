/**
 * What a word is, for the search: the same on both dialects, whatever their own parsers and locales think. Words are
 * made here and stored as they are, so neither dialect's index ever sees text of a user that it would take apart itself.
 */
import { foldName } from '../protocol/text.ts';

/** Of longer words the beginning counts: nobody types more of one, and it keeps far below what PostgreSQL takes (2 KB). */
const wordLength = 64;
/** Of a question the first words count: each costs a look-up in each part of the index, up to a millisecond. */
const askedWords = 16;

/**
 * Characters of a folded text that are looked through. The longest message has fewer, but for single signs that stand
 * for whole sentences (U+FDFA becomes 18 letters): one full of them would keep everybody waiting for 10 ms and more.
 */
const foldedLength = 12_000;

/** Printable ASCII and white space need no normal forms, and most messages are nothing else. */
const ascii = /^[\t\n\r -~]*$/;
/**
 * Chinese and Japanese have no spaces between words: there each character is a word, or only the beginnings of sentences
 * could be found.
 */
const word = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]|(?:(?![\p{sc=Han}\p{sc=Hira}\p{sc=Kana}])[\p{L}\p{M}\p{N}])+/gu;

/** The distinct words of a text, in their first order: letters, marks and digits only, so they need no quoting. */
export function wordsOf(text: string): string[] {
  const words = ascii.test(text)
    ? text.toLowerCase().match(/[a-z0-9]+/g)
    : foldName(text).slice(0, foldedLength).match(word);
  return words === null ? [] : Array.from(new Set(words.map(beginning)));
}

/**
 * What a question asks for: undefined where it is blank, otherwise beginnings of words that must all be there. None: a
 * question that no message answers.
 */
export function askedWordsOf(text: string | undefined): string[] | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const words = wordsOf(text);
  // What is the beginning of another one is there when that one is.
  return words.filter((each) => !words.some((other) => other !== each && other.startsWith(each))).slice(0, askedWords);
}

function beginning(whole: string): string {
  return whole.length <= wordLength ? whole : Array.from(whole).slice(0, wordLength).join('');
}
