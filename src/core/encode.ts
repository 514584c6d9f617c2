/** Server messages to bytes. Each is encoded once; all its receivers share the buffer. */
import type { ErrorCode } from '../protocol/errors.ts';
import type { ErrorDetails, HistoryEntry, RoomStatus, ServerFrame } from '../protocol/frames.ts';
import { formatStamp } from '../protocol/text.ts';
import type { StoredMessage } from './ports.ts';
import type { EncodedFrame } from './transport.ts';

/** Somebody's own, without users so far. */
type JoinedFrame = Extract<ServerFrame, { code: 'joined' }> & { status: RoomStatus & { users: [] } };

const emptyUsers = '"status":{"users":[]';

export function encode(frame: ServerFrame): EncodedFrame {
  return { bytes: Buffer.from(JSON.stringify(frame)) };
}

/** `users`: the entries of `status.users`, which are encoded already. */
export function encodeJoined(frame: JoinedFrame, users: Buffer): EncodedFrame {
  const text = JSON.stringify(frame);
  // Not to be found earlier: in a name its quotes would be escaped.
  const at = text.indexOf(emptyUsers) + emptyUsers.length - 1;
  return { bytes: Buffer.concat([Buffer.from(text.slice(0, at)), users, Buffer.from(text.slice(at))]) };
}

export function encodeError(code: ErrorCode, details: ErrorDetails | undefined, ref: string | undefined): EncodedFrame {
  return encode({
    type: 'error',
    code,
    ...(details === undefined ? {} : { details }),
    ...(ref === undefined ? {} : { ref }),
  });
}

export function historyEntry(message: StoredMessage, userId: number): HistoryEntry {
  return {
    id: message.id,
    stamp: formatStamp(message.createdAt),
    user: message.username,
    you: message.userId === userId,
    body: message.body,
  };
}

/** The newest entries that fit into `maxBytes` when encoded, one at least. `messages`: newest first. */
export function fitEntries(
  messages: readonly StoredMessage[],
  userId: number,
  maxBytes: number,
): { entries: HistoryEntry[]; cut: boolean } {
  const entries: HistoryEntry[] = [];
  let bytes = 0;
  for (const message of messages) {
    const entry = historyEntry(message, userId);
    bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (bytes > maxBytes && entries.length > 0) return { entries, cut: true };
    entries.push(entry);
  }
  return { entries, cut: false };
}
