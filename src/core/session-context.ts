import type { CommandContext } from './commands.ts';
import type { TokenBuckets } from './token-bucket.ts';

/** What a session needs of the chat. */
export type SessionContext = CommandContext & {
  rateLimits: boolean;
  /** Of client messages, by user id. */
  messageBuckets: Pick<TokenBuckets<number>, 'take' | 'debtMs' | 'owe'>;
  /** Of moves to other nodes, by user id. */
  moveBuckets: Pick<TokenBuckets<number>, 'take'>;
  /** Seconds that a resumable session waits for its client after its connection is gone; 0: it ends at once. */
  graceSeconds: number;
  /** Bytes of the messages that a resumable session keeps. */
  outboxBytes: number;
  /** Seconds until a poll that does not come again is gone. */
  pollGapSeconds: number;
};
