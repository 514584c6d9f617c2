/** How long to wait before trying again: exponential backoff with full jitter, so that clients cut together spread out. */

export const backoff = {
  /** Milliseconds that the first wait stays below: a blip costs a quarter of a second on average. */
  baseMs: 500,
  /** Milliseconds that no wait exceeds: a server that is back is found within this time. */
  capMs: 15_000,
  /** Milliseconds a connection must live before the waits start small again: one that is cut at once does not loop fast. */
  stableMs: 2_000,
  /** Milliseconds that the first wait after a restart (1012, 1013) stays below: all clients come back at once then. */
  jitterMs: 3_000,
} as const;

/** Milliseconds to wait before attempt `attempt` (from 0). `random`: from 0 up to 1. */
export function backoffDelay(
  attempt: number,
  random: () => number,
  baseMs: number = backoff.baseMs,
  capMs: number = backoff.capMs,
): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}
