/** What a session client is made of, and whom it tells what. */
import type { Diary, Tally } from './parts.ts';
import type { Random } from './random.ts';

export type SessionClientOptions = {
  name: string;
  token: string;
  url: string;
  rooms: readonly string[];
  random: Random;
  tally: Tally;
  diary: Diary;
  /** A broken promise of the server. */
  fail: (what: string) => void;
  graceMs: number;
  /** Whether a session that is not resumed may be the proxy's doing: it delivered something behind the client's back. */
  isExcused: () => boolean;
  /** What a node says may be late now, and reach the user's next session on another one. */
  isTroubled?: () => boolean;
  /** In how short a time after a cut each resume must succeed; undefined: sessions may end earlier, by their outbox. */
  resumableMs: number | undefined;
  /** The line is gone; `connect` is to be called again. */
  onIdle: () => void;
};
