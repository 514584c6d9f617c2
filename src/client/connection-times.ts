/** How long the client waits for what, and the reason of each number. */
import { limits } from '../protocol/limits.ts';

export const connectionTimes = {
  /** Milliseconds from opening a transport to the greeting: several times what the server takes to test an older connection. */
  openMs: 20_000,
  /** The same where another transport can be tried instead: twice that test, and somebody waits to see the chat. */
  tryMs: 8_000,
  /** Milliseconds after its greeting in which a connection that breaks without having carried an answer died young. */
  youngMs: 5_000,
  /** Milliseconds on a lesser transport until the better ones are tried again, at first; doubled with each vain round. */
  climbMs: 60_000,
  climbMaxMs: 600_000,
  /**
   * Milliseconds without a server message after which the client asks for the list of rooms, over WebSocket. Browsers
   * don't show the server's pings; this is longer than they are apart, so that a busy room never costs a question.
   */
  silenceMs: 45_000,
  /** Milliseconds for any message to arrive after that question, before the line counts as dead. */
  answerMs: 10_000,
  /** Milliseconds without a byte after which an event stream counts as dead: two of the server's comments and ten seconds. */
  streamSilenceMs: 40_000,
  /** Milliseconds of `reconnect_in` that are believed at most: a broken server must not silence its clients for days. */
  reconnectInMaxMs: 300_000,
} as const;

/**
 * Milliseconds to wait after `already-chatting` on coming back: what blocks may be this client's own cut connection, or
 * its attempt before, which the server still tests. Longer than that takes, by a second for the way there and back.
 */
export const blockedMs: number = limits.proofMs + 1_000;

/** Of what the server says of its return in `reconnect_in`, the milliseconds that are believed; undefined where it is no time. */
export function believedDelay(value: unknown): number | undefined {
  if (typeof value !== 'number' || !(value >= 0)) return undefined;
  return Math.min(value, connectionTimes.reconnectInMaxMs);
}
