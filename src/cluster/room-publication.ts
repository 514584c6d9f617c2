/** What nodes publish on the channel of a room, and how it is recognised: anything else that is heard is garbage. */
import type { StoredMessage } from '../core/ports.ts';
import type { RelayedCommand, RoomEvent } from '../core/room-channel.ts';
import type { RoomMember } from '../core/roster.ts';

/** Grows when nodes of two releases would misunderstand each other. */
export const roomVersion = 1;

/** `asks`: who is in the room on the others. `ended`: the room has ended under its name, or with its log. */
export type Said = RoomEvent | { kind: 'asks' } | { kind: 'ended' };

/**
 * `stream`: counts how often the node has opened rooms, so that each opening is another stream. `seq`: counts what is
 * published in a stream, from 1.
 */
export type Publication = {
  v: typeof roomVersion;
  node: string;
  stream: number;
  seq: number;
  name: string;
  epoch: string;
  events: Said[];
};

/** `other-version`: from a node that speaks another version. */
export function parsePublication(heard: unknown): Publication | 'garbage' | 'other-version' {
  if (!isRecord(heard)) return 'garbage';
  const { v, node, stream, seq, name, epoch, events } = heard;
  if (v !== roomVersion) return Number.isSafeInteger(v) ? 'other-version' : 'garbage';
  const isOurs = isText(node) && isCount(stream) && isCount(seq) && isText(name) && isText(epoch);
  return isOurs && Array.isArray(events) && events.every(isSaid) ? (heard as Publication) : 'garbage';
}

function isSaid(value: unknown): value is Said {
  if (!isRecord(value)) return false;
  const { kind, at, n } = value;
  switch (kind) {
    case 'messages':
      return Array.isArray(value['messages']) && value['messages'].every(isMessage);
    case 'joined':
      return isCount(at) && isMember(value['member']);
    case 'parted':
      return isCount(at) && isCount(value['userId']) && isText(value['session']) && isCount(value['claim']);
    case 'command':
      return isCount(at) && isCount(n) && isCommand(value['command']);
    case 'roster':
      return isCount(at) && isCount(n) && Array.isArray(value['members']) && value['members'].every(isMember);
    case 'asks':
    case 'ended':
      return true;
    default:
      return false;
  }
}

function isMessage(value: unknown): value is StoredMessage {
  if (!isRecord(value)) return false;
  const { id, userId, username, body, createdAt } = value;
  return isCount(id) && isCount(userId) && isText(username) && isText(body) && isTime(createdAt);
}

function isMember(value: unknown): value is RoomMember {
  if (!isRecord(value)) return false;
  const { userId, username, session, claim } = value;
  return isCount(userId) && isText(username) && isText(session) && isCount(claim);
}

function isCommand(value: unknown): value is RelayedCommand {
  if (!isRecord(value)) return false;
  const { userId, username, command, payload, createdAt } = value;
  return isCount(userId) && isText(username) && isText(command) && isText(payload) && isTime(createdAt);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What a `Date` can hold (ECMA-262 §21.4.1.1). */
function isTime(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) <= 8.64e15;
}
