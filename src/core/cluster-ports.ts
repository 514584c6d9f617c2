/**
 * The ports of a cluster: what nodes need beyond the store of the chat. Each has an embedded implementation for one node
 * alone, which is the default; all implementations of one port pass the same suite (test/contracts/).
 *
 * SQL holds what must be unique: which nodes live, and which of them has a user's session. The bus carries what is live;
 * it may lose anything at any moment, and whatever it carried is found again in SQL or from the nodes.
 */

// ---- nodes ----

/**
 * A node is one run of a server among others on one database. Its id is random and never comes again: a node that was
 * marked dead begins anew under another id. A node that is registered lives; there is no other state.
 */
export interface NodeStore {
  /** Begins a lease of `leaseMs` by the database's clock; again, where it has begun. */
  register(id: string, leaseMs: number): Promise<void>;
  /**
   * Renews the lease. Resolves the ids of all nodes that live, this one included; undefined: this one was marked dead.
   * Rejects when a statement is not answered `withinMs`; what comes next goes over another connection.
   */
  renew(id: string, withinMs?: number): Promise<string[] | undefined>;
  /**
   * Marks every other node dead whose lease is over, with its claims freed; resolves their ids. All that they have stored
   * can be read by then. Nobody is marked by a node that was marked dead, or did not renew its own lease within the last
   * fifth of it.
   */
  markDead(by: string): Promise<string[]>;
  /** Leaves in good order: nobody needs to wait for the lease. */
  leave(id: string): Promise<void>;
}

// ---- claims: one session per user ----

/** That a user's session lives on a node. `number`: grows with each claim of this user, so that the latest of two is known. */
export type Claim = { userId: number; session: string; node: string; number: number };

/** A claim that is to be replaced; with `number`, only as long as nobody has taken it anew. */
export type ReplacedClaim = Pick<Claim, 'session' | 'node'> & Partial<Pick<Claim, 'number'>>;

/** `session`: the session's key. `tokenHash`: of the token that it is attached with, for what comes beside its connection. */
export type ClaimRequest = { userId: number; session: string; node: string; tokenHash: string };

/**
 * Every method rejects with StoreError. `take`, `release` and `bind` reject with `fenced` when `node` was marked dead: then
 * the claim is free, or another node's. `release` and `bind` do nothing where the claim is not held any more.
 */
export interface ClaimStore {
  /**
   * Claims the user for this session, by compare-and-set: when nobody holds the user, or when what `over` names does.
   * `over` with the same session and another node moves the session: then not when nobody holds the user, for that session
   * has ended. Undefined: somebody else holds it. Where this very session on this node holds it, it is claimed anew: a
   * call that failed with `unknown` may be made again.
   */
  take(request: ClaimRequest, over?: ReplacedClaim): Promise<Claim | undefined>;
  /** Frees the user, if this session on this node still holds it. */
  release(claim: Pick<Claim, 'userId' | 'session' | 'node'>): Promise<void>;
  /** The session is attached with another token from now on. */
  bind(claim: Pick<Claim, 'userId' | 'session' | 'node'>, tokenHash: string): Promise<void>;
  findByUser(userId: number): Promise<Claim | undefined>;
  /** The claims of those of these users who have one, in any order. */
  findByUsers(userIds: readonly number[]): Promise<Claim[]>;
  /** By the hash of the token that the session is attached with. */
  findByToken(tokenHash: string): Promise<Claim | undefined>;
  /** All that a node holds: what is in SQL and not on the node is freed, what is on the node and not in SQL has ended. */
  listByNode(node: string): Promise<Claim[]>;
}

// ---- the bus ----

export interface Subscription {
  /** Resolves when everything that is published from now on arrives; also when the bus is away, after a short wait. Never rejects. */
  readonly ready: Promise<void>;
  close(): void;
}

/**
 * Carries JSON values between nodes. What one node publishes arrives at another in the order in which it was published,
 * over all channels, each at most once. A node hears what it publishes itself on channels that it is subscribed to.
 */
export interface Bus {
  /**
   * Resolves to how many nodes the value was handed, this one included where it is subscribed; undefined: not known, or
   * lost. Never rejects, never waits for a bus that is away.
   */
  publish(channel: string, value: object): Promise<number | undefined>;
  /** `receive` must not throw. Values are the receiver's own. One subscription a channel and node at a time. */
  subscribe(channel: string, receive: (value: unknown) => void): Subscription;
  /** Whether what is published now arrives within about a second, as far as this node knows. */
  isHealthy(): boolean;
  /** Whether nobody else can hear: then nothing needs to be said. */
  readonly isAlone: boolean;
  /** `listener` runs each time the bus carries again after it may have lost something, in either direction. Returns its end. */
  onRestored(listener: () => void): () => void;
  close(): Promise<void>;
}

// ---- what nodes ask each other ----

/** No answer: the node is dead, cannot be reached, or did not answer in time. */
export class NodeSilent extends Error {
  constructor(node: string) {
    super(`The node ${node} did not answer.`);
    this.name = 'NodeSilent';
  }
}

/** Questions and answers between nodes, and what is said to all, over the bus. Values are JSON. */
export interface Peers {
  /** This node, at the moment: another one after it was marked dead. */
  readonly id: string;
  /**
   * Asks a node. Rejects with NodeSilent: at once when it cannot hear, is known to be dead or has no answer, or when the
   * bus is away; else after `timeoutMs`. A question that was held up on its way is not answered.
   * `signal`: breaks off, rejecting with its reason; the other node's `signal` is aborted then, too.
   */
  ask(
    node: string,
    kind: string,
    question: object,
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<unknown>;
  /** Answers questions of a kind, from now on. What rejects has no answer. */
  serve(kind: string, answer: (question: unknown, from: string, signal: AbortSignal) => Promise<object>): void;
  /** Says something to one node; nobody says whether it arrived. */
  tell(node: string, kind: string, value: object): void;
  /** Says something to all other nodes. */
  tellAll(kind: string, value: object): void;
  /** Hears what is told, to this node or to all. Nothing of a node that was marked dead is heard. */
  on(kind: string, receive: (value: unknown, from: string) => void): void;
}
