/**
 * What the sessions of this node need of the other nodes, as ports: the claim of a user, a session that comes here from
 * its owner, and what a client asks of this node although its session lives on another. A node alone grants every claim at
 * once, and has nothing to ask.
 */
import type { FatalCode } from '../protocol/errors.ts';
import type { Principal } from './accounts.ts';
import type { Cursor } from './cursor.ts';
import type { ConnectionEvents, Transport, TransportKind } from './transport.ts';

// ---- claims ----

/** A session's name for its claim. */
export type Claimant = { readonly userId: number; readonly key: string };

/** `takeover`: whoever holds the user is ended without being asked for a proof. */
export type ClaimWish = Claimant & { tokenHash: string; takeover: boolean };

/**
 * `number`: of the claim, see `Claim`. `already-chatting`: the user has a session that lives. `unavailable`: nobody knows,
 * come again. `restarting`: this node may claim nothing at the moment.
 */
export type Claimed = { number: number } | { refused: 'already-chatting' | 'unavailable' | 'restarting' };

/** That a user's session lives here and nowhere else. Never rejects. */
export interface Claims {
  /** Before a session begins. No promise where nobody else can hold the user. What was granted and is not used has to be released. */
  take(wish: ClaimWish): Claimed | Promise<Claimed>;
  /** The session is attached with another token from now on. Returns at once, and is tried until it is done. */
  bind(session: Claimant, tokenHash: string): void;
  /** The session has ended. Returns at once, and is tried until it is done. */
  release(session: Claimant): void;
}

export function createLoneClaims(): Claims {
  let number = 0;
  return {
    take() {
      number += 1;
      return { number };
    },
    bind() {},
    release() {},
  };
}

// ---- moves ----

/**
 * What came of a resume here of a session that lived elsewhere. Where it is resumed, the session is in `Sessions` (`adopt`)
 * with its claim, and attached to the transport. Otherwise nothing was written to the transport, and it is still open:
 * `not-resumable`: there is no such session, or it cannot go on from there. `unavailable`: nobody knows, come again.
 * `flooding`: too many attempts.
 */
export type Moved = ConnectionEvents | 'not-resumable' | 'unavailable' | 'flooding';

export interface Moves {
  /**
   * Fetches the session from the node that has it. Never rejects. While it is under way nobody else begins or fetches a
   * session of this user here, and none is here. `tokenHash`: of the token that comes with the transport.
   */
  resume(transport: Transport, principal: Principal, cursor: Cursor, tokenHash: string): Promise<Moved>;
}

// ---- sessions on other nodes, for what comes beside a connection ----

/** What administrators see of a session. `rooms`: names, sorted. */
export type SessionState = { transport: TransportKind | 'detached'; beganAt: number; rooms: string[] };

/** A session that is meant by its token, and by its id where the client says it. */
export type SessionName = { tokenHash: string; session: string | undefined };

/** A JSON answer over HTTP, to be written as it is. `headers`: besides the usual ones. */
export type Answer = { status: number; headers: Readonly<Record<string, string>>; body: Buffer };

/** A poll that goes on with a session. */
export type PollQuestion = { tokenHash: string; cursor: string; waitMs: number };

/**
 * What is passed to the owner of a session. Every method resolves undefined when no other node has the session, and
 * rejects with `NodeSilent` or `StoreError` when that is not known or the owner does not answer: the client comes again.
 */
export interface Elsewhere {
  /** `flooding`: too many, none was taken. */
  post(to: SessionName, messages: readonly unknown[], bytes: number): Promise<'done' | 'flooding' | undefined>;
  /** Resolves when the session has left its rooms. */
  leave(to: SessionName): Promise<'done' | undefined>;
  /** Undefined at once, without a promise: the session is here, or there is no other node. `flooding`: too many. */
  poll(question: PollQuestion, signal: AbortSignal): Promise<Answer | 'flooding' | undefined> | undefined;
  /** `unknown`: it lives, and its owner does not answer. */
  stateOf(userId: number): Promise<SessionState | 'unknown' | undefined>;
  /** Those of these users who have a session on any node, this one included. */
  online(userIds: readonly number[]): Promise<ReadonlySet<number>>;
}

/** Says to all nodes how a session ended whose client may come back to any of them. */
export type TellEnded = (session: string, code: FatalCode) => void;

/** Says to all nodes that a user has sent so much lately that the next session's messages wait: `ms` until all is made up for. */
export type TellOwed = (userId: number, ms: number) => void;
