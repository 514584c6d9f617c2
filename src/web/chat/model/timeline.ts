/**
 * The items of one room, in the order in which they are shown: what was said and what happened, then what this user is
 * still sending. Messages stand by their ids, live events where they arrived among them. A message of one's own is one
 * item from the moment it is typed: it settles by its ref, whether the echo, a catching up or the answer comes first.
 * Knows no connection and no clock.
 */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { HistoryEntry, HistoryPage } from '../../../client/index.ts';
import type { CommandItem, DeletedItem, Item, MessageItem, PresenceItem } from './model.ts';
import { parseStamp } from './stamps.ts';

export const timelineLimits = {
  /** Items of a room that are kept: an hour of a busy room, and quick to copy. */
  items: 10_000,
  /** The same while somebody has scrolled up, who would lose the place: what a browser can still draw. */
  itemsScrolled: 50_000,
} as const;

export type Outgoing = { item: MessageItem | CommandItem; ref: string };
/** What a reload takes along. */
export type SavedTimeline = { items: readonly Item[]; outgoing: readonly Outgoing[]; hasOlder: boolean };

export class Timeline {
  readonly #items: Signal<readonly Item[]> = signal([]);
  readonly #hasOlder = signal(false);
  readonly #isMention: (body: string) => boolean;
  #settled: readonly Item[] = [];
  #outgoing: readonly Outgoing[] = [];
  /** Refs by the ids under which their messages were stored, as the server's answers told. */
  readonly #echoes = new Map<number, string>();
  #liveKeys = 0;

  constructor(isMention: (body: string) => boolean) {
    this.#isMention = isMention;
  }

  get items(): ReadonlySignal<readonly Item[]> {
    return this.#items;
  }

  get hasOlder(): ReadonlySignal<boolean> {
    return this.#hasOlder;
  }

  get outgoing(): readonly Outgoing[] {
    return this.#outgoing;
  }

  get oldestId(): number | undefined {
    return this.#settled.map(idOf).find((id) => id !== undefined);
  }

  /** What is shown is `messages` (newest first) from now on, and what is being sent. */
  replace(messages: readonly HistoryEntry[], hasOlder: boolean): void {
    this.#settled = messages.map((message) => this.#messageItem(message)).reverse();
    this.#hasOlder.value = hasOlder;
    this.#publish();
  }

  /** Older messages (newest first), asked for when `before` was the oldest id: where it no longer is, they would leave a hole. */
  prepend({ messages, more }: HistoryPage, before: number | undefined): void {
    if (this.oldestId !== before) return;
    this.#settled = [...messages.map((message) => this.#messageItem(message)).reverse(), ...this.#settled];
    this.#hasOlder.value = more;
    this.#publish();
  }

  /** The server answered that `ref` is stored as `id`; the message itself follows. */
  noteEcho(id: number, ref: string): void {
    if (this.#outgoing.some((one) => one.ref === ref)) this.#echoes.set(id, ref);
  }

  /** A stored message; returns its item, or undefined where it is shown already. */
  show(message: HistoryEntry): Item | undefined {
    const { id, you, body } = message;
    const ref = this.#echoes.get(id);
    this.#echoes.delete(id);
    if (this.#has(id)) return undefined;
    // One that was caught up with comes without its ref: the same words of one's own are taken for it.
    const own = you
      ? this.#outgoing.find((one) => (ref === undefined ? isSaying(one, body) : one.ref === ref))
      : undefined;
    const item = this.#messageItem(message, own?.item.key);
    if (own !== undefined) this.#outgoing = this.#outgoing.filter((one) => one !== own);
    this.#insert(item);
    return item;
  }

  /** The server says that `ref` is stored as `id`, perhaps since long. */
  settle(ref: string, id: number, stamp: string): void {
    const own = this.#outgoing.find((one) => one.ref === ref);
    if (own?.item.kind !== 'message') return;
    this.#outgoing = this.#outgoing.filter((one) => one !== own);
    // Below the oldest that is shown it comes with the rest of the history.
    const isOlder = this.#hasOlder.peek() && id < (this.oldestId ?? 0);
    if (isOlder || this.#has(id)) this.#publish();
    else this.#insert({ ...own.item, id, at: parseStamp(stamp), delivery: { state: 'sent' } });
  }

  showPresence(kind: PresenceItem['kind'], user: string, you: boolean, stamp: string): void {
    this.#append({ kind, key: this.#liveKey(), at: parseStamp(stamp), user, you });
  }

  showCommand(event: { user: string; you: boolean; stamp: string; command: string; payload: string }): void {
    const { user, you, stamp, command, payload } = event;
    const own = you
      ? this.#outgoing.find(
          ({ item }) => item.kind === 'command' && item.command === command && item.payload === payload,
        )
      : undefined;
    if (own !== undefined) this.#outgoing = this.#outgoing.filter((one) => one !== own);
    const key = own?.item.key ?? this.#liveKey();
    this.#append({
      kind: 'command',
      key,
      at: parseStamp(stamp),
      user,
      you,
      command,
      payload,
      delivery: { state: 'sent' },
    });
  }

  /** A message that is gone; returns what stays of it, where it was shown. */
  delete(id: number): DeletedItem | undefined {
    const found = this.#settled.find((item) => idOf(item) === id);
    if (found?.kind !== 'message') return undefined;
    const { key, at, user, you } = found;
    const left: DeletedItem = { kind: 'deleted', key, at, user, you, id };
    this.#settled = this.#settled.map((item) => (item === found ? left : item));
    this.#publish();
    return left;
  }

  /** Of the ids from `lowest` to `highest`, only `present` are there any more; returns what stays of the others. */
  reconcile(present: ReadonlySet<number>, lowest: number, highest: number): DeletedItem[] {
    const gone = this.#settled.flatMap((item) => {
      if (item.kind !== 'message' || item.id === undefined) return [];
      return item.id >= lowest && item.id <= highest && !present.has(item.id) ? [item.id] : [];
    });
    return gone.flatMap((id) => this.delete(id) ?? []);
  }

  /** Something of one's own, on its way. */
  add(outgoing: Outgoing): void {
    this.#outgoing = [...this.#outgoing, outgoing];
    this.#publish();
  }

  /** Puts another state on what is being sent; `ref`: a new one. */
  change(key: string, delivery: MessageItem['delivery'], ref?: string): void {
    this.#outgoing = this.#outgoing.map((one) =>
      one.item.key === key ? { ref: ref ?? one.ref, item: { ...one.item, delivery } } : one,
    );
    this.#publish();
  }

  discard(key: string): void {
    this.#outgoing = this.#outgoing.filter((one) => one.item.key !== key);
    this.#publish();
  }

  /** Lets go of the oldest where there are more than `max`. */
  trim(max: number): void {
    if (this.#settled.length <= max) return;
    // By a tenth, so that not every message does it again.
    this.#settled = this.#settled.slice(-Math.floor(max * 0.9));
    this.#hasOlder.value = true;
    this.#publish();
  }

  /** With the newest `count` items. */
  save(count: number): SavedTimeline {
    const items = count === 0 ? [] : this.#settled.slice(-count);
    const hasOlder = this.#hasOlder.peek() || items.length < this.#settled.length;
    return { items, outgoing: this.#outgoing, hasOlder };
  }

  restore({ items, outgoing, hasOlder }: SavedTimeline): void {
    // Keys of before must not meet new ones.
    this.#settled = items.map((item, index) => (item.key.startsWith('l') ? { ...item, key: `l${index}` } : item));
    this.#liveKeys = items.length;
    this.#outgoing = outgoing;
    this.#hasOlder.value = hasOlder;
    this.#publish();
  }

  #has(id: number): boolean {
    for (let at = this.#settled.length - 1; at >= 0; at -= 1) {
      const own = idOf(this.#settled[at]);
      if (own === id) return true;
      if (own !== undefined && own < id) return false;
    }
    return false;
  }

  /** Before the first item with a higher id; that is at the end for all but what comes late. */
  #insert(item: MessageItem): void {
    const id = item.id ?? Number.POSITIVE_INFINITY;
    let place = this.#settled.length;
    for (let at = place - 1; at >= 0; at -= 1) {
      const other = idOf(this.#settled[at]);
      if (other === undefined) continue;
      if (other < id) break;
      place = at;
    }
    this.#settled = this.#settled.toSpliced(place, 0, item);
    this.#publish();
  }

  #append(item: Item): void {
    this.#settled = [...this.#settled, item];
    this.#publish();
  }

  #messageItem({ id, stamp, user, you, body }: HistoryEntry, key = `m${id}`): MessageItem {
    const isMention = !you && this.#isMention(body);
    return { kind: 'message', key, at: parseStamp(stamp), user, you, id, body, isMention, delivery: { state: 'sent' } };
  }

  #liveKey(): string {
    this.#liveKeys += 1;
    return `l${this.#liveKeys}`;
  }

  #publish(): void {
    const going = this.#outgoing.map(({ item }) => item);
    this.#items.value = going.length === 0 ? this.#settled : [...this.#settled, ...going];
  }
}

export function idOf(item: Item | undefined): number | undefined {
  return item?.kind === 'message' || item?.kind === 'deleted' ? item.id : undefined;
}

function isSaying({ item }: Outgoing, body: string): boolean {
  return item.kind === 'message' && item.body === body;
}
