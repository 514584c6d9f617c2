import type { CommandContext } from './commands.ts';

/** What a session needs of the chat. */
export type SessionContext = CommandContext & {
  /** Milliseconds to wait before the user's next client message is taken; 0: it is taken. */
  takeMessage: (userId: number) => number;
  rateLimits: boolean;
  /** Seconds that a resumable session waits for its client after its connection is gone; 0: it ends at once. */
  graceSeconds: number;
  /** Bytes of the messages that a resumable session keeps. */
  outboxBytes: number;
  /** Seconds until a poll that does not come again is gone. */
  pollGapSeconds: number;
};
