/**
 * Client messages from text to typed frames. Never throws: what is wrong comes back as data, with the `ref` where it
 * could be read. Decides nothing about rooms, lengths or rights: those checks have their own order (core/commands).
 */
import type { ClientFrame } from './frames.ts';
import { limits } from './limits.ts';
import { isStorableJson } from './text.ts';

export type Decoded =
  | { kind: 'frame'; frame: ClientFrame }
  /** Answered with `invalid-format`. */
  | { kind: 'invalid'; ref?: string }
  /** Answered with `unsupported-command`; `type` is the received one, `null` when it was missing. */
  | { kind: 'unsupported'; type: string | null; ref?: string };

type Fields = Record<string, unknown>;

/** Decodes one client message. `text` is at most 64 KiB: the transport sees to it. */
export function decodeClientFrame(text: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'invalid' };
  }
  return decodeClientValue(value);
}

/** Decodes one client message that has been parsed from JSON already. */
export function decodeClientValue(value: unknown): Decoded {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'invalid' };
  const fields = value as Fields;
  const refFault = own(fields, 'ref') !== undefined && !isRef(own(fields, 'ref'));
  const ref = refFault ? undefined : (own(fields, 'ref') as string | undefined);
  if (!isStorableJson(value))
    return { kind: 'invalid', ...refOf(ref !== undefined && isStorableJson(ref) ? ref : undefined) };
  if (refFault) return { kind: 'invalid' };
  const type = own(fields, 'type');
  if (type === undefined) return { kind: 'unsupported', type: null, ...refOf(ref) };
  if (typeof type !== 'string') return { kind: 'invalid', ...refOf(ref) };
  const read = readers.get(type);
  if (read === undefined) return { kind: 'unsupported', type, ...refOf(ref) };
  const frame = read(fields, refOf(ref));
  return frame === undefined ? { kind: 'invalid', ...refOf(ref) } : { kind: 'frame', frame };
}

type Reader = (fields: Fields, ref: { ref?: string }) => ClientFrame | undefined;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['help', (_fields, ref) => ({ type: 'help', ...ref })],
  ['list', (_fields, ref) => ({ type: 'list', ...ref })],
  ['join', readJoin],
  ['part', readPart],
  ['message', readMessage],
  ['custom', readCustom],
  ['history', readHistory],
]);

function readJoin(fields: Fields, ref: { ref?: string }): ClientFrame | undefined {
  const name = own(fields, 'room_name');
  const since = own(fields, 'since');
  const epoch = own(fields, 'epoch');
  if (typeof name !== 'string') return undefined;
  if (since !== undefined && !isId(since)) return undefined;
  if (epoch !== undefined && typeof epoch !== 'string') return undefined;
  return {
    type: 'join',
    room_name: name,
    ...(since === undefined ? {} : { since }),
    ...(epoch === undefined ? {} : { epoch }),
    ...ref,
  };
}

function readPart(fields: Fields, ref: { ref?: string }): ClientFrame | undefined {
  const name = own(fields, 'room_name');
  return typeof name === 'string' ? { type: 'part', room_name: name, ...ref } : undefined;
}

function readMessage(fields: Fields, ref: { ref?: string }): ClientFrame | undefined {
  const body = own(fields, 'body');
  const isCommand = own(fields, 'command') !== undefined || own(fields, 'payload') !== undefined;
  if (isCommand) return body === undefined ? readCustom(fields, ref) : undefined;
  const name = own(fields, 'room_name');
  if (typeof name !== 'string' || typeof body !== 'string') return undefined;
  return { type: 'message', room_name: name, body, ...ref };
}

function readCustom(fields: Fields, ref: { ref?: string }): ClientFrame | undefined {
  const name = own(fields, 'room_name');
  const command = own(fields, 'command');
  const payload = own(fields, 'payload');
  if (typeof name !== 'string' || typeof command !== 'string' || typeof payload !== 'string') return undefined;
  return { type: 'custom', room_name: name, command, payload, ...ref };
}

function readHistory(fields: Fields, ref: { ref?: string }): ClientFrame | undefined {
  const name = own(fields, 'room_name');
  const before = own(fields, 'before');
  const limit = own(fields, 'limit');
  if (typeof name !== 'string') return undefined;
  if (before !== undefined && !isId(before)) return undefined;
  if (limit !== undefined && !(isId(limit) && limit >= 1)) return undefined;
  return {
    type: 'history',
    room_name: name,
    ...(before === undefined ? {} : { before }),
    ...(limit === undefined ? {} : { limit: Math.min(limit, limits.historyMessages) }),
    ...ref,
  };
}

/** A field of the message itself, never of its prototype. */
function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function isRef(value: unknown): boolean {
  return typeof value === 'string' && value.length >= 1 && value.length <= limits.refLength;
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function refOf(ref: string | undefined): { ref?: string } {
  return ref === undefined ? {} : { ref };
}
