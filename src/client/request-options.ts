/** What a request of the client may be told, and what some of them resolve with. */
import type { HistoryEntry } from '../protocol/frames.ts';

export type AskOptions = {
  /** Gives the request up: its promise rejects with the signal's reason. What was sent may still take effect. */
  signal?: AbortSignal;
  /** Milliseconds until the promise rejects with ConnectionError `timeout`; `Infinity` for never. */
  timeoutMs?: number;
};
/** `ref`: 1–64 characters, the message's idempotency key. The client makes one where none is given. */
export type SendOptions = AskOptions & { ref?: string };
export type HistoryOptions = AskOptions & { before?: number; limit?: number };
/** `repeat`: the server had the message under this ref already, and did not store it again. */
export type Sent = { id: number; stamp: string; ref: string; repeat: boolean };
export type HistoryPage = { messages: HistoryEntry[]; more: boolean };
