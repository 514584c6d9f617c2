/** The words that the bot's parts share: a command as it was posted, and what a handler of one is. */

export type Command = {
  /** What tells it from all others, equal ones too: its place in the session; the same when it is received again. */
  id: string;
  room: string;
  user: string;
  /** The word behind the slash. */
  command: string;
  /** What follows the `=`, as it was typed. */
  payload: string;
  /** `YYYY-MM-DD HH:MM:SS`, UTC. */
  stamp: string;
};

/**
 * Answers one command with one line of text, or undefined for silence. May run several times at once. May reject: then
 * the room hears that the command failed, and the log why. Stops early when `signal` aborts.
 */
export type Handler = (command: Command, signal: AbortSignal) => Promise<string | undefined>;

/** What the bot needs of a log. pino's loggers and `console` fit. */
export type BotLog = {
  info(sentence: string): void;
  warn(sentence: string): void;
  error(sentence: string): void;
};

/** An error as part of a sentence for the log. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
