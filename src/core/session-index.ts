/** The sessions of this node, found by user, by id and by the token that they are attached with. Decides nothing. */
import type { SessionState } from './elsewhere.ts';
import type { Session } from './session.ts';

type Entry = { session: Session; beganAt: number; tokenHash: string | undefined };

export class SessionIndex {
  readonly #byUser = new Map<number, Entry>();
  /** Resumable sessions by the hash of the token that they are attached with. */
  readonly #byToken = new Map<string, Session>();
  readonly #byId = new Map<string, Session>();

  get size(): number {
    return this.#byUser.size;
  }

  *all(): Iterable<Session> {
    for (const { session } of this.#byUser.values()) yield session;
  }

  ofUser(userId: number): Session | undefined {
    return this.#byUser.get(userId)?.session;
  }

  /** A resumable session. */
  withId(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** An open resumable session. `id`: what the client takes for the session's id, where it says so. */
  find(tokenHash: string, id: string | undefined): Session | undefined {
    const session = this.#byToken.get(tokenHash);
    return session?.isOpen === true && (id === undefined || id === session.id) ? session : undefined;
  }

  /** `tokenHash` counts for resumable sessions only. */
  add(session: Session, beganAt: number, tokenHash: string): void {
    this.#byUser.set(session.userId, { session, beganAt, tokenHash: undefined });
    if (session.id === undefined) return;
    this.#byId.set(session.id, session);
    this.bind(session, tokenHash);
  }

  /** The session is attached with this token from now on. False: it was so before. */
  bind(session: Session, tokenHash: string): boolean {
    const entry = this.#byUser.get(session.userId);
    if (entry?.session !== session || entry.tokenHash === tokenHash) return false;
    this.#unbind(entry);
    this.#byToken.set(tokenHash, session);
    entry.tokenHash = tokenHash;
    return true;
  }

  /** False: it was not here. */
  remove(session: Session): boolean {
    const entry = this.#byUser.get(session.userId);
    if (entry?.session !== session) return false;
    this.#byUser.delete(session.userId);
    if (session.id !== undefined) this.#byId.delete(session.id);
    this.#unbind(entry);
    return true;
  }

  /** Undefined: it is not here, or cannot be resumed. */
  detailsOf(session: Session): { beganAt: number; tokenHash: string } | undefined {
    const entry = this.#byUser.get(session.userId);
    if (entry?.session !== session || entry.tokenHash === undefined) return undefined;
    return { beganAt: entry.beganAt, tokenHash: entry.tokenHash };
  }

  stateOf(userId: number): SessionState | undefined {
    const entry = this.#byUser.get(userId);
    if (entry?.session.isOpen !== true) return undefined;
    const { session, beganAt } = entry;
    const rooms = Array.from(session.rooms.all(), (room) => room.name).sort();
    return { transport: session.transportKind, beganAt, rooms };
  }

  #unbind({ session, tokenHash }: Entry): void {
    if (tokenHash !== undefined && this.#byToken.get(tokenHash) === session) this.#byToken.delete(tokenHash);
  }
}
