/** The newest warnings and errors of the log, in memory, for administrators to read on a page. */
import type { LoggedProblem } from './protocol/admin.ts';

/** As many as somebody reads. */
const maxKept = 50;
/** Characters of one: a sentence and the error's own. */
const maxLength = 500;

/** A token has 43 of these and a hash 64; a word, or a part of a path, fewer. */
const secretLike = /[\w-]{40,}/g;

export interface Problems {
  note(level: LoggedProblem['level'], sentence: string): void;
  /** Newest first. */
  newest(): LoggedProblem[];
}

export function createProblems(now: () => number = Date.now): Problems {
  const kept: LoggedProblem[] = [];
  return {
    note(level, sentence) {
      const message = sentence.replace(secretLike, '[redacted]').slice(0, maxLength);
      kept.unshift({ at: new Date(now()).toISOString(), level, message });
      if (kept.length > maxKept) kept.pop();
    },
    newest: () => kept.slice(),
  };
}
