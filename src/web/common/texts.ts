/** The texts in the reader's language, and how the reader writes times. Both are settled when the page is loaded. */
import { textsFor } from '../texts/texts.ts';
import { createTimes, type Times } from './time.ts';

/** Node, where unit tests run, may have none. */
const wanted: readonly string[] = typeof navigator === 'undefined' ? [] : (navigator.languages ?? []);
const settled = textsFor(wanted);

export const texts = settled.texts;
/** For `lang`. */
export const language: string = settled.language;

/** Days and months in the page's language, the hours as the reader counts them. */
export const locale: string = wanted.find((tag) => tag.split('-')[0] === language) ?? language;
const counted = new Intl.DateTimeFormat(wanted[0] ?? locale, { hour: 'numeric' }).resolvedOptions().hourCycle;
export const times: Times = createTimes({ locale, hourCycle: counted?.startsWith('h1') ? 'h12' : 'h23' });
