/** What the fuzzer's clients share: who they are, where they report to, and what they have in common to do. */
import type { Membership, RoomLog } from './room-log.ts';

/** What happened, as counts by name: the proof that a run met what it is to meet. */
export type Tally = { count(name: string): void; of(name: string): number; readonly all: ReadonlyMap<string, number> };

export function createTally(): Tally {
  const all = new Map<string, number>();
  return {
    count: (name) => void all.set(name, (all.get(name) ?? 0) + 1),
    of: (name) => all.get(name) ?? 0,
    all,
  };
}

/** A client's last doings, for whoever reads why it failed. */
export type Diary = { note(text: string): void; readonly lines: readonly string[] };

const diaryLines = 1_000;

export function createDiary(start: number): Diary {
  const lines: string[] = [];
  return {
    lines,
    note(text) {
      lines.push(`${((performance.now() - start) / 1000).toFixed(3)} ${text}`);
      if (lines.length > diaryLines) lines.shift();
    },
  };
}

/** A message that its sender knows to be stored. */
export type Stored = { room: string; id: number; body: string };

/** One of the population, whatever it is made of. */
export type FuzzClient = {
  readonly name: string;
  readonly diary: Diary;
  /** Begins to act; goes on until `rest`. */
  start(): void;
  /** Stops acting, goes back into every room and catches up. */
  rest(): void;
  /** Why it is not done: undefined once everything is answered, and read up to `lastIds`. */
  unfinished(lastIds: ReadonlyMap<string, number>): string | undefined;
  /** Leaves the chat. */
  leave(): Promise<void>;
  readonly logs: readonly Pick<RoomLog, 'name' | 'first' | 'messages'>[];
  /** Undefined where it cannot tell: events are not replayed to it. */
  readonly memberships: readonly Membership[];
  /** Who is where, as it was told. */
  readonly rosters: ReadonlyMap<string, ReadonlySet<string>>;
  readonly stored: readonly Stored[];
  /** Whether its messages of a room stand in the log in the order in which it sent them. */
  readonly keepsOrder: boolean;
};
