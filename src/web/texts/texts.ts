/** The texts in the reader's language, where there are some; otherwise in English. */
import { en } from './en.ts';

/** What a language has to say. */
export type Texts = typeof en;

/** By the language's tag (RFC 5646) without its region. */
const languages: Readonly<Record<string, Texts>> = { en };

/** `wanted`: language tags in order of preference, as `navigator.languages` has them. */
export function textsFor(wanted: readonly string[]): { language: string; texts: Texts } {
  for (const tag of wanted) {
    const language = tag.split('-')[0]?.toLowerCase() ?? '';
    const texts = Object.hasOwn(languages, language) ? languages[language] : undefined;
    if (texts !== undefined) return { language, texts };
  }
  return { language: 'en', texts: en };
}
