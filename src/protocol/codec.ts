/**
 * Client messages from text to typed frames. Never throws: what is wrong comes back as data, with the `ref` where it
 * could be read. Decides nothing about rooms, lengths or rights: those checks have their own order (core/commands).
 */
import type { ClientFrame } from './frames.ts';
import { limits } from './limits.ts';
import { isPlainJsonText, isStorable, isStorableJson } from './text.ts';

export type Decoded =
  | { kind: 'frame'; frame: ClientFrame }
  /** Answered with `invalid-format`. */
  | { kind: 'invalid'; ref?: string }
  /** Answered with `unsupported-command`; `type` is the received one, `null` when it was missing. */
  | { kind: 'unsupported'; type: string | null; ref?: string };

/** What `JSON.parse` gives: its objects inherit none of the names read here, and a `__proto__` key is an own field like any other. */
type Fields = { readonly [key: string]: unknown };

/** Decodes one client message. `text` is at most 64 KiB: the transport sees to it. */
export function decodeClientFrame(text: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'invalid' };
  }
  // The walk through the value costs as much as the parsing; nearly all texts can do without it.
  return decode(value, isPlainJsonText(text));
}

/** Decodes one client message that has been parsed from JSON already. */
export function decodeClientValue(value: unknown): Decoded {
  return decode(value, false);
}

function decode(value: unknown, isKnownStorable: boolean): Decoded {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'invalid' };
  const fields = value as Fields;
  const ref = isRef(fields.ref) ? fields.ref : undefined;
  const refFault = ref === undefined && fields.ref !== undefined;
  if (refFault || !(isKnownStorable || isStorableJson(fields))) return invalid(ref);
  const type = fields.type;
  if (type === undefined) return unsupported(null, ref);
  if (typeof type !== 'string') return invalid(ref);
  const read = readers.get(type);
  if (read === undefined) return unsupported(type, ref);
  const frame = read(fields);
  if (frame === undefined) return invalid(ref);
  if (ref !== undefined) frame.ref = ref;
  return { kind: 'frame', frame };
}

/** Reads the fields of one type, all but the `ref`. Undefined: a field is missing or has the wrong type. */
type Reader = (fields: Fields) => ClientFrame | undefined;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['help', () => ({ type: 'help' })],
  ['list', () => ({ type: 'list' })],
  ['join', readJoin],
  ['part', readPart],
  ['message', readMessage],
  ['custom', readCustom],
  ['history', readHistory],
]);

function readJoin({ room_name, since, epoch }: Fields): ClientFrame | undefined {
  if (typeof room_name !== 'string') return undefined;
  const frame: ClientFrame = { type: 'join', room_name };
  if (since !== undefined) {
    if (!isId(since)) return undefined;
    frame.since = since;
  }
  if (epoch !== undefined) {
    if (typeof epoch !== 'string') return undefined;
    frame.epoch = epoch;
  }
  return frame;
}

function readPart({ room_name }: Fields): ClientFrame | undefined {
  return typeof room_name === 'string' ? { type: 'part', room_name } : undefined;
}

function readMessage(fields: Fields): ClientFrame | undefined {
  const { room_name, body } = fields;
  if (fields.command !== undefined || fields.payload !== undefined) {
    return body === undefined ? readCustom(fields) : undefined;
  }
  if (typeof room_name !== 'string' || typeof body !== 'string') return undefined;
  return { type: 'message', room_name, body };
}

function readCustom({ room_name, command, payload }: Fields): ClientFrame | undefined {
  if (typeof room_name !== 'string' || typeof command !== 'string' || typeof payload !== 'string') return undefined;
  return { type: 'custom', room_name, command, payload };
}

function readHistory({ room_name, before, limit }: Fields): ClientFrame | undefined {
  if (typeof room_name !== 'string') return undefined;
  const frame: ClientFrame = { type: 'history', room_name };
  if (before !== undefined) {
    if (!isId(before)) return undefined;
    frame.before = before;
  }
  if (limit !== undefined) {
    if (!isId(limit) || limit === 0) return undefined;
    frame.limit = Math.min(limit, limits.historyMessages);
  }
  return frame;
}

function isRef(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= limits.refLength && isStorable(value);
}

function isId(value: unknown): value is number {
  // -0 is a number in JSON, but no id.
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

function invalid(ref: string | undefined): Decoded {
  return ref === undefined ? { kind: 'invalid' } : { kind: 'invalid', ref };
}

function unsupported(type: string | null, ref: string | undefined): Decoded {
  return ref === undefined ? { kind: 'unsupported', type } : { kind: 'unsupported', type, ref };
}
