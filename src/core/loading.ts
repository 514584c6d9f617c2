/**
 * A room while it is being loaded, and afterwards what its channel speaks to: what was stored, deleted or said by other
 * nodes meanwhile is made up for when the room comes to life.
 */
import type { LiveRoom } from './live-room.ts';
import type { RoomChannel, RoomEvent, RoomListener } from './room-channel.ts';
import type { RoomMember } from './roster.ts';

/** Things said while a room is loaded that are kept; beyond them the other nodes are asked anew. */
const maxHeard = 2_000;

export class Loading implements RoomListener {
  /** The room, or undefined where there is none. */
  room: Promise<LiveRoom | undefined> = Promise.resolve(undefined);
  channel: RoomChannel | undefined;
  /** Ids of messages that were deleted meanwhile. */
  readonly deleted: number[] = [];
  #lastId = 0;
  #heard: { node: string; event: Exclude<RoomEvent, { kind: 'messages' }> }[] = [];
  #hasForgotten = false;
  #live: LiveRoom | undefined;

  /** A message was stored under this id. */
  stored(id: number): void {
    this.#lastId = Math.max(this.#lastId, id);
  }

  receive(node: string, event: RoomEvent): void {
    if (this.#live !== undefined) this.#live.receive(node, event);
    else if (event.kind === 'messages') for (const { id } of event.messages) this.stored(id);
    else if (this.#heard.length < maxHeard) this.#heard.push({ node, event });
    else this.#hasForgotten = true;
  }

  roster(): { at: number; members: RoomMember[] } {
    const live = this.#live;
    return live === undefined ? { at: 0, members: [] } : { at: live.gate.position, members: live.ownMembers() };
  }

  expects(node: string): boolean {
    return this.#live?.roster.has(node) ?? false;
  }

  /** The node was marked dead. */
  forget(node: string): void {
    this.#heard = this.#heard.filter((one) => one.node !== node);
  }

  /** The room is there: it learns what it has missed, and what comes from now on. */
  begin(live: LiveRoom): void {
    this.#live = live;
    for (const { node, event } of this.#heard.splice(0)) live.takeAtOnce(node, event);
    for (const id of this.deleted) live.delete(id);
    live.gate.catchUp(this.#lastId);
    if (this.#hasForgotten) this.channel?.ask();
  }
}
