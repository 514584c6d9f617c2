/**
 * What each client message does, as a table: what it needs and how it runs. Owns the order of the checks that the
 * contract lays down: room, membership, mute, emptiness, length, ref. It must not know connections or storage drivers.
 * A command answers its own failures; its promise, where it gives one, never rejects.
 */
import type { ClientFrame, ClientFrameType } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import { formatStamp } from '../protocol/text.ts';
import type { Counters } from './counters.ts';
import { fitEntries } from './encode.ts';
import { helpText } from './help.ts';
import type { Hub } from './hub.ts';
import { join } from './join.ts';
import type { LiveRoom } from './live-room.ts';
import type { LogOutcome, MessageLog } from './message-log.ts';
import type { Mutes } from './mutes.ts';
import type { Clock, MessageStore, StoredMessage } from './ports.ts';
import { deletedFrame, messageFrame } from './room-frames.ts';
import type { RoomDirectory } from './rooms.ts';
import type { Session } from './session.ts';
import type { Turn } from './turn.ts';

export type CommandContext = {
  clock: Clock;
  turn: Turn;
  hub: Hub;
  directory: RoomDirectory;
  messages: MessageStore;
  messageLog: MessageLog;
  mutes: Pick<Mutes, 'until'>;
  counters: Counters;
  /** Characters of a message body at most. */
  bodyLength: number;
  log: { error(details: object, sentence: string): void };
};

/** Bytes of a room in the list at most, but for a name of which much is escaped. */
const listEntryBytes = 3 * limits.roomNameLength + '{"name":"","joined":false},'.length;

type FrameOf<T extends ClientFrameType> = Extract<ClientFrame, { type: T }>;

/**
 * `anywhere` commands look after the room themselves; `member` ones run only in a room that the session is in, and of
 * these `voice` ones only for a user who is not muted.
 */
type Command<F> =
  | { needs: 'anywhere'; run: (context: CommandContext, session: Session, frame: F) => Promise<void> | undefined }
  | {
      needs: 'member' | 'voice';
      run: (context: CommandContext, session: Session, frame: F, room: LiveRoom) => Promise<void> | undefined;
    };

const commands: { readonly [T in ClientFrameType]: Command<FrameOf<T>> } = {
  help: { needs: 'anywhere', run: help },
  list: { needs: 'anywhere', run: list },
  join: { needs: 'anywhere', run: join },
  part: { needs: 'member', run: part },
  message: { needs: 'voice', run: message },
  custom: { needs: 'voice', run: custom },
  history: { needs: 'member', run: history },
};

/** What has no effect but its answer. */
export const questions: ReadonlySet<string> = new Set<ClientFrameType>(['help', 'list', 'history']);

/** Bytes of an answer that grows with the chat, as far as is known before it is made; 0: it is short. */
export function longAnswerBytes({ directory, hub }: CommandContext, frame: ClientFrame): number {
  if (frame.type === 'history') return limits.historyBytes;
  if (frame.type === 'list') return directory.list().length * listEntryBytes;
  if (frame.type !== 'join') return 0;
  const info = directory.peek(frame.room_name);
  const room = info && hub.get(info.id);
  return limits.historyBytes + (room?.roster.encodedBytes ?? 0);
}

/** Runs one client message. A promise: what follows waits for it. */
export function runCommand(context: CommandContext, session: Session, frame: ClientFrame): Promise<void> | undefined {
  const command = commands[frame.type] as Command<ClientFrame>;
  if (command.needs === 'anywhere') return command.run(context, session, frame);
  const name = (frame as FrameOf<'part'>).room_name;
  const room = memberRoom(context, session, name);
  if (room === undefined) {
    session.refuseMessage('room:not-joined', { name }, frame.ref);
    return undefined;
  }
  const mutedUntil = command.needs === 'voice' ? context.mutes.until(session.userId) : undefined;
  if (mutedUntil !== undefined) {
    // Whoever tries again at that second may speak.
    const until = formatStamp(Math.ceil(mutedUntil / 1000) * 1000);
    session.refuseMessage('room:muted', { name, until }, frame.ref);
    return undefined;
  }
  return command.run(context, session, frame, room);
}

function memberRoom(context: CommandContext, session: Session, name: string): LiveRoom | undefined {
  const info = context.directory.peek(name);
  return info === undefined ? undefined : session.rooms.get(info.id);
}

function help(_context: CommandContext, session: Session, frame: FrameOf<'help'>): undefined {
  session.answer({ type: 'notification', code: 'help', help: helpText, ...refOf(frame) });
}

function list(context: CommandContext, session: Session, frame: FrameOf<'list'>): undefined {
  const entries = context.directory.list().map(({ id, name }) => ({ name, joined: session.rooms.has(id) }));
  session.answer({ type: 'notification', code: 'list', list: entries, ...refOf(frame) });
}

function part(context: CommandContext, session: Session, frame: FrameOf<'part'>, room: LiveRoom): undefined {
  room.remove(session, frame.ref);
  session.rooms.exit(room);
  context.hub.release(room);
}

function message(context: CommandContext, session: Session, frame: FrameOf<'message'>, room: LiveRoom): undefined {
  const body = frame.body.trim();
  if (body === '') {
    session.refuseMessage('room:empty-message', undefined, frame.ref);
    return;
  }
  if (body.length > context.bodyLength) {
    session.refuseMessage('room:message-too-long', { name: room.name, max_length: context.bodyLength }, frame.ref);
    return;
  }
  const settled = session.beginAppend();
  const entry = { roomId: room.id, userId: session.userId, body, ...refOf(frame) };
  context.messageLog.append(entry, (outcome) => {
    const sent = { room, body, ref: frame.ref };
    // A message that waits for one of another node is no answer yet, and what the session does next comes after it.
    if (outcome.status === 'repeat') {
      afterMessage(context, room, outcome.id, () => {
        showOutcome(context, session, sent, outcome);
        settled();
      });
      return;
    }
    showOutcome(context, session, sent, outcome);
    if (outcome.status === 'stored') afterMessage(context, room, outcome.id, settled);
    else settled();
  });
}

/** Runs it when the room has shown the message, or does not live any more. */
function afterMessage({ hub }: CommandContext, { id: roomId }: LiveRoom, id: number, run: () => void): void {
  const live = hub.get(roomId);
  if (live === undefined) run();
  else live.gate.after(id, run, run);
}

function showOutcome(
  context: CommandContext,
  session: Session,
  sent: { room: LiveRoom; body: string; ref: string | undefined },
  outcome: LogOutcome,
): void {
  const { room, body, ref } = sent;
  const author = { userId: session.userId, username: session.username, body };
  const answerRepeat = (stored: StoredMessage, isDeleted: boolean): void => {
    session.answer({ ...messageFrame(room.name, stored, true, ref), repeat: true });
    // Perhaps it was deleted while the outcome was on its way here.
    if (isDeleted || room.deleted.has(stored.id)) session.answer(deletedFrame(room.name, stored.id));
  };
  switch (outcome.status) {
    case 'stored': {
      const stored = { id: outcome.id, createdAt: outcome.createdAt, ...author };
      context.counters.stored += 1;
      const isNew = context.hub.offer(room.id, stored, { sender: session, ref });
      // Renamed meanwhile: nobody is in the room under that name any more, and the sender still has a right to its echo.
      if (context.hub.get(room.id) !== room) session.answer(messageFrame(room.name, stored, true, ref));
      // Found in the store before its outcome was known, and shown without its ref.
      else if (!isNew) answerRepeat(stored, false);
      return;
    }
    case 'repeat':
      answerRepeat({ id: outcome.id, createdAt: outcome.createdAt, ...author }, outcome.isDeleted === true);
      return;
    case 'ref-reused':
      session.answerError('ref-reused', undefined, ref);
      return;
    case 'room-gone':
      session.answerError('room:not-joined', { name: room.name }, ref);
      return;
    case 'unavailable':
      session.answerError('unavailable', undefined, ref);
  }
}

function custom(_context: CommandContext, session: Session, frame: FrameOf<'custom'>, room: LiveRoom): undefined {
  const command = frame.command.trim();
  const { payload, ref } = frame;
  if (command === '' || payload.trim() === '') {
    session.answerError('room:empty-custom', undefined, ref);
    return;
  }
  const tooLong = command.length > limits.commandLength ? limits.commandLength : limits.payloadLength;
  if (command.length > limits.commandLength || payload.length > limits.payloadLength) {
    session.answerError('room:message-too-long', { name: room.name, max_length: tooLong }, ref);
    return;
  }
  if (ref !== undefined && isRepeated(session.commandRefs, ref)) return;
  room.relay({ command, payload }, { sender: session, ref });
}

/** Remembers a command's ref; true: it was sent before in this session. */
function isRepeated(refs: Set<string>, ref: string): boolean {
  if (refs.has(ref)) return true;
  refs.add(ref);
  if (refs.size > limits.commandRefs) {
    const [oldest = ref] = refs;
    refs.delete(oldest);
  }
  return false;
}

async function history(
  context: CommandContext,
  session: Session,
  frame: FrameOf<'history'>,
  room: LiveRoom,
): Promise<void> {
  try {
    const page = await context.messages.page(room.id, {
      // What has not been shown yet is no history.
      before: Math.min(frame.before ?? room.gate.position + 1, room.gate.position + 1),
      limit: frame.limit ?? limits.historyDefault,
      maxBytes: limits.historyBytes,
    });
    // What was deleted while the page was read is not shown after its deletion was.
    const messages = page.messages.filter(({ id }) => !room.deleted.has(id));
    const { entries, cut } = fitEntries(messages, session.userId, limits.historyBytes);
    const more = page.more || cut;
    session.answer({
      type: 'notification',
      code: 'history',
      room_name: room.name,
      messages: entries,
      more,
      ...refOf(frame),
    });
  } catch (error: unknown) {
    context.log.error({ err: error, room: room.name }, 'A history could not be read.');
    session.answerError('unavailable', undefined, frame.ref);
  }
}

function refOf(frame: { ref?: string }): { ref?: string } {
  return frame.ref === undefined ? {} : { ref: frame.ref };
}
