/**
 * The rooms this user is in, which of them is shown and read, and what the browser remembers of that. Knows no
 * connection: it is told who comes in and goes.
 */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { RoomStatus } from '../../../client/index.ts';
import type { Memory } from './memory.ts';
import type { Place } from './model.ts';
import { type ReadMark, Room } from './room.ts';
import type { SavedRoom } from './snapshot.ts';
import { timelineLimits } from './timeline.ts';

export type OpenRoomsDeps = {
  /** Whether the page can be seen at all. */
  isVisible: ReadonlySignal<boolean>;
  isMention: (body: string) => boolean;
  /** What is to be remembered has changed. */
  onChange: () => void;
};

const logPlace: Place = { kind: 'log' };

export class OpenRooms {
  readonly #deps: OpenRoomsDeps;
  readonly #rooms: Signal<ReadonlyMap<string, Room>> = signal(new Map());
  readonly #place: Signal<Place> = signal(logPlace);
  #isAtEnd = false;
  /** By name: of the rooms that are open, and of those from the visit before that are yet to be joined. */
  readonly #marks = new Map<string, ReadMark>();

  constructor(deps: OpenRoomsDeps) {
    this.#deps = deps;
  }

  get all(): ReadonlySignal<ReadonlyMap<string, Room>> {
    return this.#rooms;
  }

  get place(): ReadonlySignal<Place> {
    return this.#place;
  }

  get(name: string): Room | undefined {
    return this.#rooms.peek().get(name);
  }

  /** The rooms of an earlier visit that are not open. */
  get remembered(): string[] {
    return [...this.#marks.keys()].filter((name) => !this.#rooms.peek().has(name));
  }

  memory(): Memory {
    return { rooms: Object.fromEntries(this.#marks), place: this.#place.peek() };
  }

  /** What another visit left; the place only where nothing is shown yet. */
  recall({ rooms, place }: Memory): void {
    for (const [name, mark] of Object.entries(rooms)) {
      this.#marks.set(name, mark);
      const room = this.get(name);
      if (room?.epoch === mark.epoch) room.readUpTo(mark.lastRead);
    }
    if (this.#place.peek().kind === 'log') this.#place.value = place;
  }

  enter(name: string, status: RoomStatus): void {
    const room = this.get(name) ?? this.#create(name);
    room.enter(status, this.#marks.get(name));
    this.#note(room);
  }

  restore(saved: readonly SavedRoom[], place: Place): void {
    batch(() => {
      for (const one of saved) {
        const room = this.#create(one.name);
        room.restore(one);
        this.#note(room);
      }
      this.#place.value = place;
    });
  }

  /** This user is in the room no more. */
  close(name: string): void {
    batch(() => {
      const rooms = new Map(this.#rooms.peek());
      rooms.delete(name);
      this.#rooms.value = rooms;
      this.forget(name);
      if (this.isShown(name)) this.show(logPlace);
    });
  }

  /** A room of an earlier visit will not be joined. */
  forget(name: string): void {
    this.#marks.delete(name);
    this.#deps.onChange();
  }

  clear(): void {
    batch(() => {
      this.#marks.clear();
      this.#rooms.value = new Map();
      this.#place.value = logPlace;
      this.#isAtEnd = false;
    });
  }

  show(place: Place): void {
    batch(() => {
      const before = this.#place.peek();
      if (before.kind === place.kind && (place.kind === 'log' || this.isShown(place.name))) return;
      if (before.kind === 'room') this.get(before.name)?.leave();
      this.#isAtEnd = false;
      this.#place.value = place;
      this.#deps.onChange();
    });
  }

  /** The log in place of a room that was not entered either. */
  showAgain(place: Place): void {
    this.show(place.kind === 'room' && this.get(place.name) === undefined ? logPlace : place);
  }

  isShown(name: string): boolean {
    const place = this.#place.peek();
    return place.kind === 'room' && place.name === name;
  }

  setAtEnd(isAtEnd: boolean): void {
    this.#isAtEnd = isAtEnd;
    this.readIfSeen();
  }

  /** Whether what comes to the room is seen as it comes. */
  isReading(name: string): boolean {
    return this.#isAtEnd && this.#deps.isVisible.peek() && this.isShown(name);
  }

  /** The page, or the end of the room, has come into sight. */
  readIfSeen(): void {
    const place = this.#place.peek();
    if (place.kind === 'room' && this.isReading(place.name)) this.markRead();
  }

  /** Of the room that is shown. */
  markRead(): void {
    const place = this.#place.peek();
    const room = place.kind === 'room' ? this.get(place.name) : undefined;
    if (room === undefined) return;
    room.markRead();
    this.#note(room);
  }

  /** Something was added to the room: where that is too much, the oldest goes. */
  trim(name: string): void {
    const isScrolled = this.isShown(name) && !this.#isAtEnd;
    this.get(name)?.timeline.trim(isScrolled ? timelineLimits.itemsScrolled : timelineLimits.items);
  }

  /** A room was read further. */
  note(name: string): void {
    const room = this.get(name);
    if (room !== undefined) this.#note(room);
  }

  #create(name: string): Room {
    const room = new Room(name, this.#deps.isMention);
    this.#rooms.value = new Map(this.#rooms.peek()).set(name, room);
    return room;
  }

  #note({ name, epoch, lastRead }: Room): void {
    const known = this.#marks.get(name);
    if (known?.epoch === epoch && known.lastRead === lastRead) return;
    this.#marks.set(name, { epoch, lastRead });
    this.#deps.onChange();
  }
}
