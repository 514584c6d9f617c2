/**
 * A joined room as this page knows it: its timeline, who is in it, and what of it was read. Turns what the client tells
 * of the room into that; knows neither the client nor which room is shown.
 */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { ChatMessage, HistoryPage, RoomStatus } from '../../../client/index.ts';
import type { Item, OpenRoom } from './model.ts';
import { Roster, type User } from './roster.ts';
import type { SavedRoom } from './snapshot.ts';
import { idOf, Timeline } from './timeline.ts';

/** How far a room was read, in an earlier visit. */
export type ReadMark = { epoch: string; lastRead: number };

export class Room implements OpenRoom {
  readonly name: string;
  readonly timeline: Timeline;
  readonly isLoadingOlder: Signal<boolean> = signal(false);
  readonly newFrom: Signal<string | undefined> = signal(undefined);
  readonly unread: Signal<number> = signal(0);
  readonly isMentioned: Signal<boolean> = signal(false);
  readonly roster: Roster = new Roster();
  draft = '';
  /** Of the room's log. */
  epoch = '';
  /** The highest id that was told of. */
  seen = 0;
  lastRead = 0;

  constructor(name: string, isMention: (body: string) => boolean) {
    this.name = name;
    this.timeline = new Timeline(isMention);
  }

  get items(): ReadonlySignal<readonly Item[]> {
    return this.timeline.items;
  }

  get hasOlder(): ReadonlySignal<boolean> {
    return this.timeline.hasOlder;
  }

  get users(): ReadonlySignal<readonly User[]> {
    return this.roster.users;
  }

  /** This user is in. `mark`: what an earlier visit had read; without one, all there is counts as read. */
  enter(status: RoomStatus, mark: ReadMark | undefined): void {
    batch(() => {
      this.#take(status);
      this.timeline.replace(status.messages, hasOlder(status));
      this.lastRead = mark?.epoch === status.epoch ? Math.min(mark.lastRead, status.last_id) : status.last_id;
      this.newFrom.value = undefined;
      this.#countUnread();
    });
  }

  /** In again, in a new session. `gap`: the log is another one, so nothing of what was shown counts. */
  reenter(status: RoomStatus, gap: boolean): void {
    if (gap) this.enter(status, undefined);
    else this.roster.replace(status.users);
  }

  #take(status: RoomStatus): void {
    this.roster.replace(status.users);
    this.epoch = status.epoch;
    this.seen = status.last_id;
  }

  #countUnread(): void {
    const news = this.#news();
    // What lies before the loaded ones is not known one by one: each counts, whoever wrote it. Where none is left, none does.
    const before = Math.max(0, (this.timeline.oldestId ?? 0) - 1 - this.lastRead);
    this.unread.value = news.length + before;
    this.isMentioned.value = news.some(isMention);
    if (this.unread.peek() > 0) this.newFrom.value = news[0]?.key;
  }

  /** `isReading`: its end is in sight. */
  showMessage(message: ChatMessage, isReading: boolean): void {
    batch(() => {
      this.seen = Math.max(this.seen, message.id);
      const item = this.timeline.show(message);
      if (isReading) this.markRead();
      else if (item !== undefined && isNews(item, this.lastRead)) {
        // A divider from before, under which all was read, has served.
        if (this.unread.peek() === 0) this.newFrom.value = item.key;
        this.unread.value += 1;
        if (isMention(item)) this.isMentioned.value = true;
      }
    });
  }

  deleteMessage(id: number): void {
    batch(() => {
      const left = this.timeline.delete(id);
      if (left !== undefined) this.#forget(id, left.you);
    });
  }

  /** A page of the history, newest first, of all ids below `before`: what of them is shown and not there was deleted. */
  compare({ messages, more }: HistoryPage, before: number): void {
    const lowest = more ? (messages.at(-1)?.id ?? before) : 0;
    const present = new Set(messages.map(({ id }) => id));
    batch(() => {
      for (const { id, you } of this.timeline.reconcile(present, lowest, before - 1)) this.#forget(id, you);
    });
  }

  /** A message that is gone was not missed. */
  #forget(id: number, you: boolean): void {
    if (id > this.lastRead && !you) this.unread.value = Math.max(0, this.unread.peek() - 1);
    if (this.isMentioned.peek()) this.isMentioned.value = this.#news().some(isMention);
  }

  /** All that is there was read. The divider stays where it is. */
  markRead(): void {
    batch(() => {
      this.lastRead = this.seen;
      this.unread.value = 0;
      this.isMentioned.value = false;
    });
  }

  /** Another window has read up to `id`. */
  readUpTo(id: number): void {
    if (id <= this.lastRead) return;
    batch(() => {
      this.lastRead = id;
      const news = this.#news();
      this.unread.value = Math.min(this.unread.peek(), news.length);
      this.isMentioned.value = news.some(isMention);
    });
  }

  #news(): Item[] {
    return this.items.peek().filter((item) => isNews(item, this.lastRead));
  }

  /** Another place is shown from now on. */
  leave(): void {
    if (this.unread.peek() === 0) this.newFrom.value = undefined;
  }

  save(items: number): SavedRoom {
    const { name, epoch, seen, lastRead, draft } = this;
    return {
      name,
      epoch,
      seen,
      lastRead,
      draft,
      unread: this.unread.peek(),
      isMentioned: this.isMentioned.peek(),
      newFrom: this.newFrom.peek(),
      users: this.users.peek(),
      timeline: this.timeline.save(items),
    };
  }

  restore(saved: SavedRoom): void {
    batch(() => {
      this.epoch = saved.epoch;
      this.seen = saved.seen;
      this.lastRead = saved.lastRead;
      this.draft = saved.draft;
      this.unread.value = saved.unread;
      this.isMentioned.value = saved.isMentioned;
      this.roster.replace(saved.users);
      this.timeline.restore(saved.timeline);
      const items = this.items.peek();
      // Under which all was read, it has served: the room opens at its end.
      const newFrom = saved.unread > 0 ? saved.newFrom : undefined;
      // The item under the divider may have been one too many to take along.
      const hasKey = items.some(({ key }) => key === newFrom);
      this.newFrom.value = hasKey || newFrom === undefined ? newFrom : items[0]?.key;
    });
  }
}

/** Ids are given from 1, so below a higher one there may be more. */
function hasOlder(status: RoomStatus): boolean {
  return (status.messages.at(-1)?.id ?? 1) > 1;
}

function isNews(item: Item, lastRead: number): boolean {
  return item.kind === 'message' && !item.you && (idOf(item) ?? 0) > lastRead;
}

function isMention(item: Item): boolean {
  return item.kind === 'message' && item.isMention;
}
