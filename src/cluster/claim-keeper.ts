/**
 * The claims of this node's sessions: takes each before its session begins, frees it afterwards, and finds out which were
 * left behind or lost. It knows sessions by their keys, and no transports; whether a session on another node lives is
 * asked by owners.ts.
 *
 * What could not be freed is tried again until it is done. What is not known any more (this node may have forgotten it,
 * too much was due) is found by comparing what the store says with what lives here.
 */
import type { Claim, ClaimStore } from '../core/cluster-ports.ts';
import type { Claimant, Claimed, Claims, ClaimWish } from '../core/elsewhere.ts';
import { type Clock, StoreError } from '../core/ports.ts';
import type { Session } from '../core/session.ts';
import type { Sessions } from '../core/sessions.ts';

/** How often the user's claim is found with somebody else before the client is sent away to come again. */
const maxRounds = 4;
/** Pauses after a failure grow from the first to the second. */
const firstPauseMs = 250;
const longestPauseMs = 5000;
/** Claims freed or bound at once: below the connections that a node keeps to the store. */
const atOnce = 4;
/** Sessions whose claims wait for a store that is away; what is beyond is found by the comparison. */
const maxDue = 20_000;
/** Between two comparisons. */
const compareMs = 60_000;

/** `free`: look again, the claim may be taken over. `unknown`: nobody answers. */
export type OwnerAnswer = 'free' | 'lives' | 'unknown';

export type ClaimKeeperOptions = {
  store: ClaimStore;
  /** This node, at the moment. */
  node: () => string;
  clock: Clock;
  /** Asks the node that has the user whether it gives way. Rejects with StoreError. */
  ask: (claim: Claim, takeover: boolean) => Promise<OwnerAnswer>;
  /** This node, as it was when it asked, was marked dead. */
  onFenced: (node: string) => void;
  log: { warn(details: object, sentence: string): void; error(details: object, sentence: string): void };
};

export interface ClaimKeeper extends Claims {
  /** The session has come here with its claim: what was to free it, after an attempt that had failed, does not any more. */
  keep(session: Claimant): void;
  /** Compares the claims with these sessions from now on. */
  watch(sessions: Pick<Sessions, 'all' | 'holds'>): void;
  /** Compares at once. Never rejects. */
  compare(): Promise<void>;
  close(): void;
}

export function createClaimKeeper(options: ClaimKeeperOptions): ClaimKeeper {
  return new Keeper(options);
}

/** What is to be done to a claim. `tokenHash` undefined: it is freed. */
type Due = { claim: Pick<Claim, 'userId' | 'session' | 'node'>; tokenHash: string | undefined };

class Keeper implements ClaimKeeper {
  readonly #options: ClaimKeeperOptions;
  /** By user: of two for one user only the later counts. */
  readonly #due = new Map<number, Due>();
  /** Users for whose claim something is being done: what comes for them meanwhile waits for it. */
  readonly #underWay = new Set<number>();
  #sessions: Pick<Sessions, 'all' | 'holds'> | undefined;
  #working = 0;
  /** While it lasts nothing is tried. */
  #pauseMs = 0;
  #lastPauseMs = 0;
  #isComparing = false;
  /** The store has failed since the last comparison. */
  #isDoubtful = false;
  #isClosed = false;
  #cancelPause: () => void = () => {};
  #cancelCompare: () => void = () => {};

  constructor(options: ClaimKeeperOptions) {
    this.#options = options;
  }

  async take(wish: ClaimWish): Promise<Claimed> {
    const node = this.#options.node();
    try {
      const claimed = await this.#take(wish, node);
      // Marked dead meanwhile: the claim is gone with the node that this one was.
      if (node !== this.#options.node()) return { refused: 'restarting' };
      this.#noteSuccess();
      return claimed;
    } catch (error: unknown) {
      if (this.#noteFailure(error, node) === 'fenced') return { refused: 'restarting' };
      // It may have been done all the same.
      this.release(wish);
      this.#options.log.warn({ err: error }, 'A connection was sent away, because its user could not be claimed.');
      return { refused: 'unavailable' };
    }
  }

  bind(session: Claimant, tokenHash: string): void {
    this.#add(session, tokenHash);
  }

  release(session: Claimant): void {
    this.#add(session, undefined);
  }

  keep({ userId, key }: Claimant): void {
    if (this.#due.get(userId)?.claim.session === key) this.#due.delete(userId);
  }

  watch(sessions: Pick<Sessions, 'all' | 'holds'>): void {
    this.#sessions = sessions;
    this.#scheduleCompare();
  }

  async compare(): Promise<void> {
    if (this.#isComparing || this.#isClosed || this.#sessions === undefined) return;
    const node = this.#options.node();
    this.#isComparing = true;
    this.#isDoubtful = false;
    try {
      await this.#compare(this.#sessions, node);
    } catch (error: unknown) {
      this.#noteFailure(error, node);
      this.#options.log.warn({ err: error }, 'The claims of the sessions could not be read; it is tried again.');
    }
    this.#isComparing = false;
    this.#scheduleCompare();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelPause();
    this.#cancelCompare();
  }

  // ---- taking ----

  async #take({ userId, key, tokenHash, takeover }: ClaimWish, node: string): Promise<Claimed> {
    const { store, ask } = this.#options;
    const request = { userId, session: key, node, tokenHash };
    let over: Claim | undefined;
    for (let round = 0; round < maxRounds; round += 1) {
      const claim = await store.take(request, over);
      if (claim !== undefined) return { number: claim.number };
      const held = await store.findByUser(userId);
      over = held;
      // Nobody else begins a session of this user here: what this node holds was left behind, or not freed yet.
      if (held === undefined || held.node === node) continue;
      const answer = await ask(held, takeover);
      if (answer !== 'free') return { refused: answer === 'lives' ? 'already-chatting' : 'unavailable' };
    }
    return { refused: 'unavailable' };
  }

  // ---- freeing and binding ----

  #add({ userId, key }: Claimant, tokenHash: string | undefined): void {
    if (this.#isClosed || (this.#due.size >= maxDue && !this.#due.has(userId))) return;
    this.#due.set(userId, { claim: { userId, session: key, node: this.#options.node() }, tokenHash });
    this.#work();
  }

  #work(): void {
    // A worker that may do nothing would end at once, and the loop never.
    if (this.#isClosed || this.#pauseMs > 0) return;
    while (this.#working < Math.min(atOnce, this.#countReady())) {
      this.#working += 1;
      void this.#workOn();
    }
  }

  #countReady(): number {
    let ready = this.#due.size;
    for (const userId of this.#underWay) if (this.#due.has(userId)) ready -= 1;
    return ready;
  }

  /** One after the other, until nothing is due or the store fails. */
  async #workOn(): Promise<void> {
    for (const [userId, due] of this.#due) {
      if (this.#pauseMs > 0 || this.#isClosed) break;
      if (this.#underWay.has(userId)) continue;
      // Another worker must not take it too; what comes for this user meanwhile is a new entry.
      this.#due.delete(userId);
      if (due.claim.node !== this.#options.node()) continue;
      this.#underWay.add(userId);
      const isDone = await this.#carryOut(due);
      this.#underWay.delete(userId);
      if (isDone) continue;
      if (!this.#due.has(userId)) this.#due.set(userId, due);
      this.#pause();
      break;
    }
    this.#working -= 1;
    this.#work();
  }

  /** False: the store could not do it. */
  async #carryOut({ claim, tokenHash }: Due): Promise<boolean> {
    const { store } = this.#options;
    try {
      await (tokenHash === undefined ? store.release(claim) : store.bind(claim, tokenHash));
      this.#noteSuccess();
      return true;
    } catch (error: unknown) {
      return this.#noteFailure(error, claim.node) === 'fenced';
    }
  }

  #pause(): void {
    if (this.#isClosed || this.#pauseMs > 0) return;
    this.#pauseMs = Math.min(longestPauseMs, this.#lastPauseMs === 0 ? firstPauseMs : this.#lastPauseMs * 2);
    this.#lastPauseMs = this.#pauseMs;
    this.#cancelPause = this.#options.clock.after(this.#pauseMs, () => {
      this.#pauseMs = 0;
      this.#work();
    });
  }

  // ---- comparing ----

  async #compare(sessions: Pick<Sessions, 'all' | 'holds'>, node: string): Promise<void> {
    const { store, log } = this.#options;
    // Read before: what begins meanwhile may be missing in the answer.
    const here = Array.from(sessions.all());
    const claims = await store.listByNode(node);
    if (node !== this.#options.node()) return;
    for (const { userId, session } of claims) {
      if (!sessions.holds({ userId, key: session })) this.release({ userId, key: session });
    }
    const held = new Map(claims.map((claim) => [claim.userId, claim.session]));
    for (const session of here) {
      if (held.get(session.userId) === session.key || !(await this.#isLost(session))) continue;
      log.warn({ user: session.userId }, 'A session ends, because its user is claimed by nobody or somebody else.');
      session.end('restarting');
    }
  }

  /** A session that is on its way to another node has its claim there; one that has ended has lost nothing. */
  async #isLost(session: Session): Promise<boolean> {
    const claim = await this.#options.store.findByUser(session.userId);
    return claim?.session !== session.key && session.isOpen;
  }

  #scheduleCompare(): void {
    this.#cancelCompare();
    if (this.#isClosed) return;
    this.#cancelCompare = this.#options.clock.after(compareMs, () => void this.compare());
  }

  // ---- the store's state ----

  /** After the store was away it may have lost what it had said, or done what it had not said. */
  #noteSuccess(): void {
    this.#lastPauseMs = 0;
    if (this.#isDoubtful) void this.compare();
  }

  #noteFailure(error: unknown, node: string): 'fenced' | 'other' {
    if (error instanceof StoreError && error.kind === 'fenced') {
      this.#options.onFenced(node);
      return 'fenced';
    }
    if (!(error instanceof StoreError)) this.#options.log.error({ err: error }, 'A claim failed unexpectedly.');
    this.#isDoubtful = true;
    return 'other';
  }
}
