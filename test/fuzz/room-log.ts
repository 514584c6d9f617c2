/**
 * What one member knows of one room: its messages by id, who is there, and, for each time it was in the room, every event
 * in the order of arrival. Owns the rules that hold at every instant, and throws when one is broken; it must not know how
 * the frames came, or of which session they are, only that what it is given has no gap within a membership.
 */
import type { RawFrame } from '../support/raw-client.ts';

export type Entry = { user: string; body: string };

/**
 * One membership: the room's events from its own `joined` on, each as one short text. Its end may be missing where the
 * session ended, but nothing in between.
 */
export type Membership = { member: string; room: string; events: string[] };

export type RoomLog = {
  readonly name: string;
  readonly isMember: boolean;
  /** Everything known, from `first` on. */
  readonly messages: ReadonlyMap<number, Entry>;
  /** The lowest id that it must know; undefined before the first join. */
  readonly first: number | undefined;
  /** Everything from `first` up to this id is known. */
  readonly contiguous: number;
  readonly epoch: string | undefined;
  readonly roster: ReadonlySet<string>;
  readonly memberships: readonly Membership[];
  /** The id before which the history must be read; undefined: nothing is missing. */
  missingBefore(): number | undefined;
  /** Takes a room notification or a history page. Throws a sentence when it breaks a rule. */
  take(frame: RawFrame): void;
  /** The session is gone, and with it the membership. */
  lose(): void;
};

export function createRoomLog(name: string, member: string): RoomLog {
  const messages = new Map<number, Entry>();
  const memberships: Membership[] = [];
  const roster = new Set<string>();
  let current: Membership | undefined;
  let first: number | undefined;
  let contiguous = 0;
  /** The highest id that it was told of. */
  let told = 0;
  let epoch: string | undefined;

  const put = (id: number, user: string, body: string): void => {
    const known = messages.get(id);
    if (known !== undefined && (known.user !== user || known.body !== body)) {
      throw new Error(`message ${id} was "${known.body}" of ${known.user} and is "${body}" of ${user}`);
    }
    messages.set(id, { user, body });
    while (messages.has(contiguous + 1)) contiguous += 1;
  };
  const putAll = (entries: NonNullable<RawFrame['messages']>): void => {
    let above = Number.POSITIVE_INFINITY;
    for (const { id, user, body, you } of entries) {
      if (id >= above) throw new Error(`${id} after ${above} where the newest come first`);
      if (you !== (user === member)) throw new Error(`"you" of message ${id} of ${user} is ${String(you)}`);
      above = id;
      if (first === undefined || id >= first) put(id, user, body);
    }
  };

  function enter(frame: RawFrame): void {
    const { status } = frame;
    if (current !== undefined) throw new Error('joined while in the room');
    if (status === undefined) throw new Error('joined without a status');
    if (epoch !== undefined && epoch !== status.epoch) throw new Error(`epoch ${status.epoch} after ${epoch}`);
    epoch = status.epoch;
    if (status.last_id < told) throw new Error(`last_id ${status.last_id}, but ${told} was seen`);
    if ((status.messages[0]?.id ?? 0) > status.last_id) throw new Error('a message above last_id in the status');
    if (first === undefined) {
      first = status.messages.at(-1)?.id ?? status.last_id + 1;
      contiguous = first - 1;
    }
    told = status.last_id;
    putAll(status.messages);
    roster.clear();
    for (const { name: user, you } of status.users) {
      if (roster.has(user)) throw new Error(`${user} is in status.users twice`);
      if (you !== (user === member)) throw new Error(`"you" of ${user} is ${String(you)}`);
      roster.add(user);
    }
    if (!roster.has(member)) throw new Error('not in its own status.users');
    current = { member, room: name, events: [`joined ${member}`] };
    memberships.push(current);
  }

  function takeMessage({ id = 0, user = '', body = '' }: RawFrame): string {
    if (id !== told + 1) throw new Error(`message ${id} (${body}) after ${told}`);
    told = id;
    put(id, user, body);
    return `message ${id}`;
  }

  function takeEvent(frame: RawFrame): void {
    const { code, user = '', you } = frame;
    if (you !== (user === member)) throw new Error(`"you" of ${code} of ${user} is ${String(you)}`);
    if (current === undefined) throw new Error(`${code} of ${user} without being in the room`);
    const { events } = current;
    if (code === 'message') events.push(takeMessage(frame));
    else if (code === 'joined') {
      if (roster.has(user)) throw new Error(`${user} joined, who is there`);
      roster.add(user);
      events.push(`joined ${user}`);
    } else if (code === 'parted') {
      if (!roster.delete(user)) throw new Error(`${user} parted, who is not there`);
      events.push(`parted ${user}`);
      if (you) current = undefined;
    } else events.push(`${code} ${user} ${String(frame['payload'])}`);
  }

  function missingBefore(): number | undefined {
    if (first === undefined || contiguous >= told) return undefined;
    let id = contiguous + 1;
    while (id <= told && !messages.has(id)) id += 1;
    return id;
  }

  return {
    name,
    get isMember() {
      return current !== undefined;
    },
    messages,
    get first() {
      return first;
    },
    get contiguous() {
      return contiguous;
    },
    get epoch() {
      return epoch;
    },
    roster,
    memberships,
    missingBefore,
    take(frame) {
      if (frame.code === 'history') putAll(frame.messages ?? []);
      else if (frame.code === 'joined' && frame.you === true) enter(frame);
      else takeEvent(frame);
    },
    lose() {
      current = undefined;
    },
  };
}

/** Throws where a command comes twice to somebody: each is unique by its room, user and payload. */
export function noteOnce(known: Set<string>, { room_name: room = '', user = '', payload }: RawFrame): void {
  const command = `${room} ${user} ${String(payload)}`;
  if (known.has(command)) throw new Error(`the command ${command} came twice`);
  known.add(command);
}
