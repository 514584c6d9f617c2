/**
 * One room's channel on the bus: says what happens in the room on this node, one publication a turn, and hears what the
 * others say. It owns each sender's place in what it says, and notices what is missing; what to do about that is the
 * business of all channels together (room-channels.ts). It must not know what the events mean.
 */
import type { Bus, Subscription } from '../core/cluster-ports.ts';
import type { Clock } from '../core/ports.ts';
import type { RoomChannel, RoomEvent, RoomListener } from '../core/room-channel.ts';
import type { RoomInfo } from '../core/rooms.ts';
import { type Publication, roomVersion, type Said } from './room-publication.ts';

/** How long an ended room's members elsewhere are kept where it has not ended: by then every node has read of its end. */
const endedMs = 5_000;
/** Time until what was lost, while the bus goes on, is made up for. */
const lostMs = 1_000;
/** Characters of what waits to be said, beyond which it is not held until the turn ends. */
const maxPendingCharacters = 262_144;

/** Where another node is in what it says here. `at`: the highest position of it. */
type Sender = { stream: number; seq: number; at: number };

/** What a channel needs of all of them. */
export interface ChannelOwner {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly node: string;
  /** How long a room that is opened waits for the others to say who is in it. */
  readonly answerMs: number;
  /** The number of the last command that this node has relayed. */
  commands: number;
  /** Has the channel say what waits when the turn ends. */
  schedule(channel: Channel): void;
  /** A node was heard of. */
  noteHere(node: string): void;
  /** It is not known any more who of the node is in the room. `isAsked`: all were asked just now. */
  doubt(node: string, roomId: number, isAsked: boolean): void;
  /** The node has said who is. */
  trust(node: string, roomId: number): void;
  /** Says it to that node alone, after all that was published before. */
  tell(node: string, roomId: number, publication: Publication): void;
  /** It is closed. `unsaid`: a publication that was lost, perhaps. */
  onClosed(channel: Channel, unsaid: Publication | undefined): void;
}

export type ChannelOptions = {
  owner: ChannelOwner;
  /** The channel's name. */
  name: string;
  stream: number;
  room: RoomInfo;
  listener: RoomListener;
};

export class Channel implements RoomChannel {
  readonly node: string;
  readonly roomId: number;
  readonly ready: Promise<void>;
  readonly answered: Promise<void>;
  readonly #options: ChannelOptions;
  readonly #owner: ChannelOwner;
  readonly #subscription: Subscription;
  readonly #senders = new Map<string, Sender>();
  /** Those who have said who is in the room since all were asked. */
  readonly #answers = new Set<string>();
  #resolveAnswered: () => void = () => {};
  /** How many have to answer; undefined: not known yet. */
  #expected: number | undefined;
  #pending: Said[] = [];
  #pendingCharacters = 0;
  /** All are to be told who is in the room here. */
  #isRosterDue = false;
  /** Nodes that want to know it. */
  readonly #askers = new Set<string>();
  #seq = 0;
  /** Something of what was said may not have arrived. */
  #hasLost = false;
  #isClosed = false;

  constructor(options: ChannelOptions, hear: (channel: Channel, value: unknown) => void) {
    const { owner, name, room } = options;
    this.#options = options;
    this.#owner = owner;
    this.node = owner.node;
    this.roomId = room.id;
    this.answered = new Promise((resolve) => {
      this.#resolveAnswered = resolve;
    });
    this.#subscription = owner.bus.subscribe(name, (value) => hear(this, value));
    this.ready = this.#begin();
  }

  get isAlone(): boolean {
    return this.#owner.bus.isAlone;
  }

  get commands(): number {
    return this.#owner.commands;
  }

  nextCommand(): number {
    this.#owner.commands += 1;
    return this.#owner.commands;
  }

  // ---- saying ----

  say(event: RoomEvent): void {
    if (this.#isClosed || this.isAlone) return;
    const last = this.#pending.at(-1);
    if (event.kind === 'messages' && last?.kind === 'messages') last.messages.push(...event.messages);
    else this.#pending.push(event);
    this.#pendingCharacters += charactersOf(event);
    if (this.#pendingCharacters > maxPendingCharacters) this.flush();
    else this.#owner.schedule(this);
  }

  ask(): void {
    if (this.#isClosed || this.isAlone) return;
    this.#pending.push({ kind: 'asks' });
    this.#sayRoster();
  }

  /** Says to the node, with this turn, who is in the room here. */
  answer(node: string): void {
    this.#askers.add(node);
    this.#owner.schedule(this);
  }

  flush(): void {
    if (this.#isClosed) return;
    // Several who ask at once are answered as one.
    if (this.#isRosterDue || this.#askers.size > 1) {
      this.#pending.push(this.#ownRoster());
      this.#askers.clear();
      this.#isRosterDue = false;
    }
    if (this.#pending.length > 0) {
      const events = this.#pending;
      this.#pending = [];
      this.#pendingCharacters = 0;
      void this.#publish(events);
    }
    const [asker] = this.#askers;
    this.#askers.clear();
    if (asker !== undefined) this.#owner.tell(asker, this.roomId, this.#publication([this.#ownRoster()]));
  }

  close(isEnded: boolean): void {
    if (this.#isClosed) return;
    if (isEnded && !this.isAlone) this.#pending.push({ kind: 'ended' });
    this.#isRosterDue = false;
    this.#askers.clear();
    this.flush();
    this.#isClosed = true;
    this.#subscription.close();
    this.#resolveAnswered();
    this.#owner.onClosed(this, this.#hasLost ? this.farewell() : undefined);
  }

  /** What says that nobody is in the room here. */
  farewell(): Publication {
    const { at } = this.#options.listener.roster();
    return this.#nextPublication([{ kind: 'roster', at, n: this.commands, members: [] }]);
  }

  // ---- hearing ----

  /**
   * `isAnswer`: it was said to this node alone, with the number of the last publication before it. The bus keeps the order
   * of what one node publishes over all channels, so it is heard in its place.
   */
  hear(publication: Publication, isAnswer: boolean): void {
    if (this.#isClosed || publication.node === this.node) return;
    const { node, stream, seq, name, epoch, events } = publication;
    const { room } = this.#options;
    if (events.some(({ kind }) => kind === 'asks')) this.answer(node);
    if (events.some(({ kind }) => kind === 'roster')) this.#noteAnswer(node);
    // Of the room under another name, or of another log: that node, or this one, has yet to read of the change.
    if (name !== room.name || epoch !== room.epoch) {
      if (epoch === room.epoch) this.#receiveMessages(node, events);
      return;
    }
    const known = this.#senders.get(node);
    if (known !== undefined && isBefore({ stream, seq: isAnswer ? seq + 1 : seq }, known)) return;
    const sender: Sender = { stream, seq, at: known?.at ?? 0 };
    this.#senders.set(node, sender);
    // Of one that was not heard before it is not known what it has said; it was asked when this room was opened.
    if (known === undefined) this.#owner.noteHere(node);
    // An answer says all by itself, whatever is missing before it.
    else if (!isAnswer) this.#follow(known, sender, node);
    for (const event of events) this.#receive(sender, node, event);
  }

  /** The node has told that it does not have the room open. */
  left(node: string): void {
    this.#options.listener.receive(node, this.#emptyRoster(this.#senders.get(node)?.at ?? 0));
    this.#owner.trust(node, this.roomId);
  }

  /** The bus carries again, and may have lost anything before. */
  restore(): void {
    this.#hasLost = false;
    for (const node of this.#senders.keys()) {
      if (this.#options.listener.expects(node)) this.#owner.doubt(node, this.roomId, true);
    }
    this.ask();
  }

  forget(node: string): void {
    this.#senders.delete(node);
    this.#answers.delete(node);
  }

  #follow(known: Sender, sender: Sender, node: string): void {
    const isNew = sender.stream !== known.stream;
    if (sender.seq !== (isNew ? 1 : known.seq + 1)) this.#owner.doubt(node, this.roomId, false);
    // Whoever opens the room has nobody in it.
    else if (isNew) this.#receive(sender, node, this.#emptyRoster(known.at));
  }

  #receive(sender: Sender, node: string, event: Said): void {
    if ('at' in event) sender.at = Math.max(sender.at, event.at);
    if (event.kind === 'asks') return;
    if (event.kind === 'ended') this.#dismissLater(sender, node);
    else this.#options.listener.receive(node, event);
    if (event.kind === 'roster') this.#owner.trust(node, this.roomId);
  }

  /** They are in the log, under whatever name. */
  #receiveMessages(node: string, events: readonly Said[]): void {
    for (const event of events) if (event.kind === 'messages') this.#options.listener.receive(node, event);
  }

  /** Here, too, the room has ended by then; else it has got its name back, and that node's members are not in it. */
  #dismissLater({ stream }: Sender, node: string): void {
    this.#owner.clock.after(endedMs, () => {
      const sender = this.#senders.get(node);
      if (this.#isClosed || sender?.stream !== stream) return;
      this.#options.listener.receive(node, this.#emptyRoster(sender.at));
    });
  }

  // ---- who is there ----

  async #begin(): Promise<void> {
    await this.#subscription.ready;
    if (this.#isClosed || this.isAlone) {
      this.#resolveAnswered();
      return;
    }
    this.#owner.clock.after(this.#owner.answerMs, this.#resolveAnswered);
    // Nobody is in the room here, which the first publication of a stream says by itself.
    void this.#publish([{ kind: 'asks' }]).then((hearing) => {
      this.#expected = Math.max(0, (hearing ?? 0) - 1);
      this.#lookAtAnswers();
    });
  }

  #noteAnswer(node: string): void {
    this.#answers.add(node);
    this.#lookAtAnswers();
  }

  #lookAtAnswers(): void {
    if (this.#expected !== undefined && this.#answers.size >= this.#expected) this.#resolveAnswered();
  }

  /** Says to all, with this turn, who is in the room here. */
  #sayRoster(): void {
    this.#isRosterDue = true;
    this.#owner.schedule(this);
  }

  #ownRoster(): Said {
    const { at, members } = this.#options.listener.roster();
    return { kind: 'roster', at, n: this.commands, members };
  }

  #emptyRoster(at: number): RoomEvent {
    return { kind: 'roster', at, n: 0, members: [] };
  }

  async #publish(events: Said[]): Promise<number | undefined> {
    const hearing = await this.#owner.bus.publish(this.#options.name, this.#nextPublication(events));
    if (hearing === undefined) this.#handleLost();
    return hearing;
  }

  /** Mostly the bus is away, and says so when it is back; else nothing may follow by which the others would notice. */
  #handleLost(): void {
    if (this.#isClosed) this.#owner.onClosed(this, this.farewell());
    if (this.#isClosed || this.#hasLost) return;
    this.#hasLost = true;
    this.#owner.clock.after(lostMs, () => {
      if (!this.#hasLost || this.#isClosed || !this.#owner.bus.isHealthy()) return;
      this.#hasLost = false;
      this.#sayRoster();
    });
  }

  #nextPublication(events: Said[]): Publication {
    this.#seq += 1;
    return this.#publication(events);
  }

  #publication(events: Said[]): Publication {
    const { stream, room } = this.#options;
    return { v: roomVersion, node: this.node, stream, seq: this.#seq, name: room.name, epoch: room.epoch, events };
  }
}

/** Or the same. */
function isBefore(one: Pick<Sender, 'stream' | 'seq'>, other: Sender): boolean {
  return one.stream < other.stream || (one.stream === other.stream && one.seq <= other.seq);
}

function charactersOf(event: RoomEvent): number {
  if (event.kind !== 'messages') return event.kind === 'command' ? event.command.payload.length : 0;
  return event.messages.reduce((sum, { body }) => sum + body.length, 0);
}
