/**
 * The port between a live room and the same room on other nodes: what is said about it, and to whom it is told. Embedded
 * default: none at all, a node alone says nothing. Positions (`at`) are those of the room's gate on the node that says it;
 * whoever hears it goes by it once its own gate has come as far.
 */
import type { StoredMessage } from './ports.ts';
import type { RoomInfo } from './rooms.ts';
import type { RoomMember } from './roster.ts';

/** A command, as all nodes relay it. `createdAt`: when its own node relayed it. */
export type RelayedCommand = {
  userId: number;
  username: string;
  command: string;
  payload: string;
  createdAt: number;
};

/** `n`: the number of the last command that the node has relayed, counted over all its rooms. */
export type RoomEvent =
  | { kind: 'messages'; messages: StoredMessage[] }
  | { kind: 'joined'; at: number; member: RoomMember }
  | { kind: 'parted'; at: number; userId: number; session: string; claim: number }
  | { kind: 'command'; at: number; n: number; command: RelayedCommand }
  /** All its members. */
  | { kind: 'roster'; at: number; n: number; members: RoomMember[] };

/** The room on this node, as its channel sees it. */
export interface RoomListener {
  /** What another node says, in the order in which it said it. Must not throw. */
  receive(node: string, event: RoomEvent): void;
  /** Who is in the room on this node. */
  roster(): { at: number; members: RoomMember[] };
  /** Whether members are believed to be on that node. */
  expects(node: string): boolean;
}

/** What a room on this node says. Nothing of it throws. */
export interface RoomChannel {
  /** This node. */
  readonly node: string;
  /** Whether nobody else can hear: then nothing needs to be said. */
  readonly isAlone: boolean;
  /** Resolves when everything that is said from now on arrives here, and the others have been asked who is in the room. */
  readonly ready: Promise<void>;
  /** Resolves when they have answered, or after a short while. */
  readonly answered: Promise<void>;
  /** The number of the last command that this node has relayed. */
  readonly commands: number;
  /** Says it to the others with this turn. */
  say(event: RoomEvent): void;
  /** The next command's number. */
  nextCommand(): number;
  /** Says what waits now: before something else that must not overtake it. */
  flush(): void;
  /** Asks all others anew who is in the room. */
  ask(): void;
  /** `isEnded`: the room has ended under its name, for the others as well as soon as they read of it. */
  close(isEnded: boolean): void;
}

export interface RoomChannels {
  /** Whether nobody else can hear. */
  readonly isAlone: boolean;
  /** Before a room is opened again it has been closed. */
  open(room: RoomInfo, listener: RoomListener): RoomChannel;
  /** Milliseconds in which a message that is missing is likely to come by itself; 0: it is not. */
  patienceMs(): number;
  /** Nothing of this node is heard any more. */
  forget(node: string): void;
}

/** How many members rooms have on other nodes. */
export interface RoomCounts {
  /** On this node, from now on. */
  changed(roomId: number, members: number): void;
  elsewhere(roomId: number): number;
  /** Who is in a room that is not live on this node, sorted: asked of a node that has it. Never rejects. */
  names(roomId: number): Promise<string[]>;
  /** Answers other nodes that ask for names, from now on. */
  serve(namesHere: (roomId: number) => string[]): void;
  forget(node: string): void;
}
