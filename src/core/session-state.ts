/**
 * What a session is made of, as plain JSON values: so that it goes on on another node. Owns the form and its check; it
 * must not know how a session came to this state, or rooms, whose state goes beside it.
 */
import { decodeClientValue } from '../protocol/codec.ts';
import type { ClientFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import { maxSeenRooms } from './seen-rooms.ts';

/** The messages that are kept, as texts: the last of them has the number `last`. The others: see Outbox. */
export type OutboxExport = { last: number; sent: number; highest: number; frames: string[] };

/** What waits for its turn: a client message with its size on the wire, or an answer that comes in its turn. */
export type TaskExport = { frame: ClientFrame; bytes: number } | { answer: string };

/** What was taken in this second. */
export type RawCapExport = { frames: number; bytes: number };

export type SessionExport = {
  key: string;
  userId: number;
  username: string;
  outbox: OutboxExport;
  /** In their order. */
  tasks: TaskExport[];
  /** Oldest first. */
  commandRefs: string[];
  rawCap: RawCapExport;
  /** How far it had seen rooms that it has left, by id, oldest first. */
  seen: [roomId: number, position: number][];
  /** Milliseconds until the user's bucket of messages is full again. */
  bucketMs: number;
};

/** Answers that may wait beside client messages: one can come before each of these. */
const maxTasks = limits.queuedFrames * 2;
/** As in a cursor. */
const keyForm = /^[A-Za-z0-9_-]+$/;

type Fields = { readonly [key: string]: unknown };

/** Undefined: the value has another form, or its numbers cannot be. */
export function readSessionExport(value: unknown): SessionExport | undefined {
  if (!isFields(value)) return undefined;
  const { key, userId, username, commandRefs, seen, bucketMs } = value;
  const outbox = readOutbox(value.outbox);
  const tasks = readTasks(value.tasks);
  const rawCap = readRawCap(value.rawCap);
  if (typeof key !== 'string' || key.length > limits.sessionIdLength || !keyForm.test(key)) return undefined;
  if (!isCount(userId) || typeof username !== 'string') return undefined;
  if (!isTexts(commandRefs) || commandRefs.length > limits.commandRefs || !isCount(bucketMs)) return undefined;
  if (!Array.isArray(seen) || seen.length > maxSeenRooms || !seen.every(isSeen)) return undefined;
  if (outbox === undefined || tasks === undefined || rawCap === undefined) return undefined;
  return { key, userId, username, outbox, tasks, commandRefs, rawCap, seen, bucketMs };
}

function readOutbox(value: unknown): OutboxExport | undefined {
  if (!isFields(value)) return undefined;
  const { last, sent, highest, frames } = value;
  if (!isCount(last) || !isCount(sent) || !isCount(highest) || !isTexts(frames)) return undefined;
  const before = last - frames.length;
  const isOrdered = before >= 0 && before <= sent && sent <= highest && highest <= last;
  return isOrdered ? { last, sent, highest, frames } : undefined;
}

function readTasks(value: unknown): TaskExport[] | undefined {
  if (!Array.isArray(value) || value.length > maxTasks) return undefined;
  const tasks = value.map(readTask);
  return tasks.every((task) => task !== undefined) ? tasks : undefined;
}

function readTask(value: unknown): TaskExport | undefined {
  if (!isFields(value)) return undefined;
  if (typeof value.answer === 'string') return { answer: value.answer };
  const decoded = decodeClientValue(value.frame);
  if (decoded.kind !== 'frame' || !isCount(value.bytes)) return undefined;
  return { frame: decoded.frame, bytes: value.bytes };
}

function readRawCap(value: unknown): RawCapExport | undefined {
  if (!isFields(value) || !isCount(value.frames) || !isCount(value.bytes)) return undefined;
  return { frames: value.frames, bytes: value.bytes };
}

function isSeen(value: unknown): value is [roomId: number, position: number] {
  return Array.isArray(value) && value.length === 2 && value.every(isCount);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
