/**
 * What a client hands to the next one, in this process or another: where it is in its session, and in each room for the
 * case that the session has ended by then. Plain data, to be written as JSON; read back by hand, since it comes from a file.
 */
import type { Cursor } from './line.ts';
import type { RoomMark } from './rooms.ts';
import { placeOf } from './transports/http.ts';

export type ExportedSession = {
  /** Of this form. Another one is refused. */
  version: 1;
  /** `<session>.<n>`; left out where the session cannot be resumed, or not all that came was told. */
  cursor?: string;
  rooms: RoomMark[];
};

export function exportSession(cursor: Cursor | undefined, rooms: RoomMark[]): ExportedSession {
  return { version: 1, ...(cursor === undefined ? {} : { cursor: `${cursor.session}.${cursor.n}` }), rooms };
}

/** Throws TypeError where it is not what `export` returned. Whether it is still of use is the server's to say. */
export function readExported(value: unknown): { cursor: Cursor | undefined; rooms: RoomMark[] } {
  const { version, cursor, rooms } = isObject(value) ? value : {};
  if (version !== 1) throw unusable('it has no version, or one that this client does not know');
  const place = typeof cursor === 'string' ? placeOf(cursor) : undefined;
  if (cursor !== undefined && place === undefined) throw unusable('its cursor is none');
  if (!Array.isArray(rooms)) throw unusable('it has no list of rooms');
  return { cursor: place, rooms: rooms.map(readMark) };
}

function readMark(value: unknown): RoomMark {
  const { name, epoch, seen } = isObject(value) ? value : {};
  if (typeof name !== 'string' || typeof epoch !== 'string' || !Number.isSafeInteger(seen) || Number(seen) < 0) {
    throw unusable('one of its rooms has no name, epoch or mark');
  }
  return { name, epoch, seen: Number(seen) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function unusable(reason: string): TypeError {
  return new TypeError(`This is no exported session: ${reason}. Connect without it.`);
}
