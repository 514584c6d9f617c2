/** What a session has seen of a room: what another node needs to go on from there when the session moves. JSON. */
import type { StoredMessage } from './ports.ts';

export type MemberState = {
  roomId: number;
  name: string;
  epoch: string;
  /** The last message that it was shown. */
  position: number;
  /** Whom it believes to be in the room. Left out: those whom the node that asked had in its roster when it asked. */
  users?: { userId: number; username: string }[];
  /** The number of the last command that it was shown, or that was before its time, by node. */
  commands: [node: string, n: number][];
  /** For how many milliseconds its node has heard every command of the room: what another node says is among those. */
  heardForMs: number;
  /** Messages of whose deletion it was told, or which it was not shown. */
  deleted: number[];
  /** Its own messages that are stored and not shown yet, with the ref that its echo carries. */
  held: { message: StoredMessage; ref?: string }[];
};

/** Where a session has gone: `node` has it under the claim `claim`. */
export type MovedTo = { node: string; claim: number };
