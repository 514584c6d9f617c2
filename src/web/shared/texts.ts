/** The texts in the reader's language. It is settled when the page is loaded. */
import { textsFor } from '../texts/texts.ts';

const settled = textsFor(typeof navigator === 'undefined' ? [] : (navigator.languages ?? []));

export const texts = settled.texts;
/** For `lang`, and for how times and numbers are written. */
export const language: string = settled.language;
