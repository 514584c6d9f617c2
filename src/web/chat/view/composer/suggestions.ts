/** Which commands are offered while one is being typed, and how near a text is to its limit. */

/** At most so many: they stand over the composer, and further letters narrow them down. */
const most = 8;

/** `caret`: where the caret is in `text`. Empty: nothing is offered. */
export function suggestionsFor(text: string, caret: number, known: readonly string[]): readonly string[] {
  const typed = /^\/([^\s=/]*)$/.exec(text.slice(0, caret))?.[1]?.toLowerCase();
  // Also where more follows the caret: then the command is there already.
  if (typed === undefined || caret !== text.length) return [];
  return known.filter((name) => name.toLowerCase().startsWith(typed)).slice(0, most);
}

export type RoomLeft = { kind: 'plenty' } | { kind: 'near' | 'beyond'; left: number };

/** From nine tenths of the limit on one is told. White space around a message is not sent. */
export function roomLeft(text: string, maxLength: number): RoomLeft {
  const left = maxLength - text.trim().length;
  if (left < 0) return { kind: 'beyond', left };
  return left <= maxLength / 10 ? { kind: 'near', left } : { kind: 'plenty' };
}
