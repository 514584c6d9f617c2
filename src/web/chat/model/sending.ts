/**
 * Messages and commands on their way: each an item of its room from the moment it is typed, which settles or fails. A
 * message keeps its ref for good, so that however often it is sent it is stored once; a command is never sent twice by
 * itself, since nobody knows whether the first one arrived.
 */
import { ChatError, type Client, ConnectionError, FatalError } from '../../../client/index.ts';
import { parseCommand } from './commands.ts';
import type { CommandItem, MessageItem } from './model.ts';
import type { Room } from './room.ts';
import type { Sentences } from './sentences.ts';

export type SendingDeps = {
  client: () => Client | undefined;
  sentences: Sentences;
  now: () => number;
  username: () => string;
  /** The server allows no more than so many characters. */
  onMaxLength: (length: number) => void;
  /** Something was not sent: `why` is a sentence. */
  onFailed: (room: string, why: string, error: unknown) => void;
};

export type Sending = {
  send(room: Room, text: string): void;
  resend(room: Room, key: string): void;
  discard(room: Room, key: string): void;
  /** After a reload or an end: messages go again under their refs; commands are for their author to decide. */
  resume(room: Room): void;
};

export function createSending(deps: SendingDeps): Sending {
  const { client, sentences, now, username, onMaxLength, onFailed } = deps;
  const fail = (room: Room, sent: { item: MessageItem | CommandItem; ref: string }, error: unknown): void => {
    // The chat has ended or moved: the message waits for it to go on.
    if (isEnd(error) && sent.item.kind === 'message') return;
    if (error instanceof ChatError && error.code === 'room:message-too-long') {
      const { max_length: length } = error.details;
      if (length !== undefined && sent.item.kind === 'message') onMaxLength(length);
    }
    const why = sentences.sending(error);
    const delivery = { state: 'failed', why } as const;
    onFailed(room.name, why, error);
    const isThere = room.timeline.outgoing.some(({ ref }) => ref === sent.ref);
    if (isThere) room.timeline.change(sent.item.key, delivery);
    // Another message of the same words was taken for it.
    else room.timeline.add({ ref: sent.ref, item: { ...sent.item, key: `o${newRef()}`, delivery } });
  };
  const transmit = async (room: Room, sent: { item: MessageItem | CommandItem; ref: string }): Promise<void> => {
    const { item, ref } = sent;
    try {
      const own = client();
      if (own === undefined) throw new ConnectionError('not-connected', ref);
      if (item.kind === 'command') {
        await own.command(room.name, item.command, item.payload, { ref });
        // Its echo shows it in its place.
      } else {
        const { id, stamp } = await own.send(room.name, item.body, { ref });
        room.timeline.settle(ref, id, stamp);
      }
    } catch (error) {
      fail(room, sent, error);
    }
  };
  const start = (room: Room, sent: { item: MessageItem | CommandItem; ref: string }): void => {
    room.timeline.add(sent);
    void transmit(room, sent);
  };
  const find = (room: Room, key: string) => room.timeline.outgoing.find(({ item }) => item.key === key);

  return {
    send(room, text) {
      const body = text.trim();
      if (body === '') return;
      const ref = newRef();
      const base = { key: `o${ref}`, at: now(), user: username(), you: true, delivery: { state: 'pending' } } as const;
      const command = parseCommand(body);
      if (command !== undefined) start(room, { ref, item: { ...base, kind: 'command', ...command } });
      else start(room, { ref, item: { ...base, kind: 'message', id: undefined, body, isMention: false } });
    },
    resend(room, key) {
      const sent = find(room, key);
      if (sent?.item.delivery.state !== 'failed') return;
      const ref = sent.item.kind === 'command' ? newRef() : sent.ref;
      room.timeline.change(key, { state: 'pending' }, ref);
      const again = find(room, key);
      if (again !== undefined) void transmit(room, again);
    },
    discard(room, key) {
      if (find(room, key)?.item.delivery.state === 'failed') room.timeline.discard(key);
    },
    resume(room) {
      for (const sent of room.timeline.outgoing) {
        if (sent.item.delivery.state !== 'pending') continue;
        if (sent.item.kind === 'message') void transmit(room, sent);
        else
          room.timeline.change(sent.item.key, { state: 'failed', why: sentences.sending(new ConnectionError('lost')) });
      }
    },
  };
}

/** Whether nothing will be sent before the chat is begun anew. */
function isEnd(error: unknown): boolean {
  return error instanceof FatalError || (error instanceof ConnectionError && error.reason === 'not-connected');
}

/** 96 random bits: the server remembers a user's refs for a day. Not a UUID, which pages without TLS cannot make. */
function newRef(): string {
  return Array.from(globalThis.crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join('-');
}
