/**
 * Messages and commands on their way: each an item of its room from the moment it is typed, which settles or fails. A
 * message keeps its ref for good, so that however often it is sent it is stored once; a command is never sent twice by
 * itself, since nobody knows whether the first one arrived.
 */
import { ChatError, type Client, ConnectionError, FatalError, type Timers } from '../../../client/index.ts';
import { parseCommand } from './commands.ts';
import type { Room } from './room.ts';
import type { Sentences } from './sentences.ts';
import type { Outgoing } from './timeline.ts';

export type SendingDeps = {
  client: () => Client | undefined;
  sentences: Sentences;
  now: () => number;
  timers: Timers;
  username: () => string;
  /** The server allows no more than so many characters. */
  onMaxLength: (length: number) => void;
  /** Something was not sent: `why` is a sentence. */
  onFailed: (room: string, why: string, error: unknown) => void;
};

/** Milliseconds without an answer, which takes less than one elsewhere, after which the line is looked at. */
const unansweredMs = 10_000;

export class Sending {
  readonly #deps: SendingDeps;

  constructor(deps: SendingDeps) {
    this.#deps = deps;
  }

  send(room: Room, text: string): void {
    const body = text.trim();
    if (body === '') return;
    const { now, username } = this.#deps;
    const ref = newRef(now());
    const base = { key: `o${ref}`, at: now(), user: username(), you: true, delivery: { state: 'pending' } } as const;
    const command = parseCommand(body);
    const item: Outgoing['item'] =
      command === undefined
        ? { ...base, kind: 'message', id: undefined, body, isMention: false }
        : { ...base, kind: 'command', ...command };
    room.timeline.add({ ref, item });
    void this.#transmit(room, { ref, item });
  }

  /** What has failed, once more. */
  resend(room: Room, key: string): void {
    const sent = find(room, key);
    if (sent?.item.delivery.state !== 'failed') return;
    const ref = sent.item.kind === 'command' ? newRef(this.#deps.now()) : sent.ref;
    room.timeline.change(key, { state: 'pending' }, ref);
    void this.#transmit(room, { item: sent.item, ref });
  }

  /** What has failed goes away. */
  discard(room: Room, key: string): void {
    if (find(room, key)?.item.delivery.state === 'failed') room.timeline.discard(key);
  }

  /** After a reload or an end: messages go again under their refs; commands are for their author to decide. */
  resume(room: Room): void {
    const why = this.#deps.sentences.sending(new ConnectionError('lost'));
    for (const sent of room.timeline.outgoing) {
      if (sent.item.delivery.state !== 'pending') continue;
      if (sent.item.kind === 'message') void this.#transmit(room, sent);
      else room.timeline.change(sent.item.key, { state: 'failed', why });
    }
  }

  async #transmit(room: Room, sent: Outgoing): Promise<void> {
    const { item, ref } = sent;
    const { timers } = this.#deps;
    const client = this.#deps.client();
    const doubt = timers.setTimeout(() => client?.hurry(), unansweredMs);
    try {
      if (client === undefined) throw new ConnectionError('not-connected', ref);
      if (item.kind === 'command') {
        // Its echo shows it in its place.
        await client.command(room.name, item.command, item.payload, { ref });
      } else {
        // However long the line is away, it waits, as the page says; stored once, whenever that is.
        const { id, stamp } = await client.send(room.name, item.body, { ref, timeoutMs: Number.POSITIVE_INFINITY });
        room.timeline.settle(ref, id, stamp);
      }
    } catch (error) {
      this.#fail(room, sent, error);
    } finally {
      timers.clearTimeout(doubt);
    }
  }

  #fail(room: Room, { item, ref }: Outgoing, error: unknown): void {
    // The chat has ended or moved: the message waits for it to go on.
    if (isEnd(error) && item.kind === 'message') return;
    if (error instanceof ChatError && error.code === 'room:message-too-long' && item.kind === 'message') {
      const { max_length: length } = error.details;
      if (length !== undefined) this.#deps.onMaxLength(length);
    }
    const why = this.#deps.sentences.sending(error);
    this.#deps.onFailed(room.name, why, error);
    const delivery = { state: 'failed', why } as const;
    const isThere = room.timeline.outgoing.some((one) => one.ref === ref);
    if (isThere) room.timeline.change(item.key, delivery);
    // Another message of the same words was taken for it.
    else room.timeline.add({ ref, item: { ...item, key: `o${newRef(this.#deps.now())}`, delivery } });
  }
}

function find(room: Room, key: string): Outgoing | undefined {
  return room.timeline.outgoing.find(({ item }) => item.key === key);
}

/** Whether nothing will be sent before the chat is begun anew. */
function isEnd(error: unknown): boolean {
  return error instanceof FatalError || (error instanceof ConnectionError && error.reason === 'not-connected');
}

/**
 * The time, as in the SDK's own refs, so that the database has those of all pages side by side, and 96 random bits: the
 * server remembers a user's refs for a day. Not a UUID, which pages without TLS cannot make.
 */
function newRef(now: number): string {
  const parts = [now, ...globalThis.crypto.getRandomValues(new Uint32Array(3))];
  return parts.map((part) => part.toString(36)).join('-');
}
