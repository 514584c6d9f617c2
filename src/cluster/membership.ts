/**
 * Which nodes live: this one's lease, who else has one, and that each node that is gone is said to be gone once. It owns
 * no session and no room; what being marked dead means for them is its listeners' matter.
 *
 * States: `out` → `alive` → `fenced` → `alive` … → `left`. With `fenced` the node has another id at once, so that nothing
 * which was begun under the former one goes on under the present one; it is registered with the next `begin`.
 * A lease is renewed five times as often as it must be. Others are marked dead only by a node whose own renewals have
 * gone well for one whole lease: whoever was cut off, or stood still, cannot tell a dead node from one that met the same.
 */
import type { NodeStore } from '../core/cluster-ports.ts';
import { type Clock, type RandomText, StoreError } from '../core/ports.ts';

/** A lease outlasts some renewals that are lost. */
const renewalsPerLease = 5;
/** One that hangs on a broken connection must not keep the next from being sent; more would only crowd a slow store. */
const maxUnderWay = 2;
/**
 * Renewals' times after which one without an answer is given up, with its connection: a connection can break without a
 * word. Two that did are behind us then when the third is due, which has a connection anew, in the middle of the lease.
 */
const givenUpAfter = 1.5;
/** Bytes of a node's id: never the same again. */
const nodeIdBytes = 9;
/** Nodes that are remembered as gone: far more than can still have something under way. */
const maxGone = 1_000;

export type MembershipOptions = {
  store: NodeStore;
  clock: Clock;
  random: RandomText;
  leaseMs: number;
  log: { warn(details: object, sentence: string): void; info(details: object, sentence: string): void };
  /** Says to all other nodes that this or another one is gone. */
  tellGone: (node: string) => void;
};

export interface Membership {
  /** This node; another one as soon as it finds itself dead. */
  readonly id: string;
  /** Whether this node counts as alive, as far as it knows. */
  readonly isAlive: boolean;
  /** The nodes that live as far as this one knows, itself included while it does. */
  readonly living: ReadonlySet<string>;
  isGone(node: string): boolean;
  /** Registers and renews its lease from then on. Rejects with StoreError; may be tried again. */
  begin(): Promise<void>;
  /** This node was found dead under `id`: a write was fenced. */
  noteFenced(id: string): void;
  /** Another node has said that `node` is here. */
  noteHere(node: string): void;
  /**
   * Another node has said that a node is gone, this one perhaps: the store is asked at once. Not believed as it is: with a
   * database that was restored beside the running one, somebody else's dead nodes have the ids of these.
   */
  noteGone(): void;
  /** Runs once for each node that is gone, also for what this one was before. Returns its end. */
  onGone(listener: (node: string) => void): () => void;
  onAppeared(listener: (node: string) => void): () => void;
  /** Runs once each time that this node finds itself dead. */
  onFenced(listener: (node: string) => void): () => void;
  /** Leaves in good order, if it lives. Never rejects: a lease that cannot be given back ends by itself. */
  leave(): Promise<void>;
}

export function createMembership(options: MembershipOptions): Membership {
  const { store, clock, random, leaseMs, log, tellGone } = options;
  const intervalMs = leaseMs / renewalsPerLease;
  const deadlineMs = givenUpAfter * intervalMs;
  const onGone = createListeners();
  const onAppeared = createListeners();
  const onFenced = createListeners();
  const living = new Set<string>();
  /** How many renewals had been sent when each of those that live was heard of. */
  const since = new Map<string, number>();
  const gone = new Set<string>();
  let id = random(nodeIdBytes);
  let state: 'out' | 'alive' | 'fenced' | 'left' = 'out';
  let cancel: () => void = () => {};
  let sent = 0;
  let applied = 0;
  let underWay = 0;
  let lastSentAt = 0;
  /** Renewals that went well, one after the other. */
  let inRow = 0;
  let isFailing = false;
  let isLooking = false;
  /** It was said once more meanwhile. */
  let isLookDue = false;

  const isLeft = (): boolean => state === 'left';

  async function begin(): Promise<void> {
    if (state === 'alive' || state === 'left') return;
    await store.register(id, leaseMs);
    // It was left while it began.
    if (isLeft()) return store.leave(id);
    state = 'alive';
    inRow = 0;
    isFailing = false;
    living.add(id);
    await renew();
  }

  /** Sends a renewal, and sees to the next one. Resolves when it was answered. Never rejects. */
  async function renew(): Promise<void> {
    cancel();
    cancel = clock.after(intervalMs, () => void renew());
    const now = clock.now();
    // A process that stood still, or a clock that was set: who is late by it cannot be told.
    if (now < lastSentAt || now - lastSentAt > 2 * intervalMs || underWay >= maxUnderWay) inRow = 0;
    lastSentAt = now;
    if (underWay >= maxUnderWay) return;
    const asked = id;
    const number = ++sent;
    underWay += 1;
    const cancelLate = clock.after(intervalMs, () => {
      inRow = 0;
    });
    try {
      const ids = await store.renew(asked, deadlineMs);
      if (asked !== id || state !== 'alive') return;
      if (ids === undefined) return fence();
      const passedMs = clock.now() - now;
      inRow = passedMs < 0 || passedMs > intervalMs ? 0 : inRow + 1;
      if (isFailing) log.info({ node: id }, 'The lease of this node is renewed again.');
      isFailing = false;
      apply(ids, number);
      if (inRow > renewalsPerLease) await markDead();
    } catch (error: unknown) {
      if (asked === id && state === 'alive') handleFailure(error);
    } finally {
      underWay -= 1;
      cancelLate();
    }
  }

  function handleFailure(error: unknown): void {
    inRow = 0;
    if (error instanceof StoreError && error.kind === 'fenced') return fence();
    if (!isFailing) {
      log.warn({ err: error, node: id }, 'The lease of this node could not be renewed; it is tried again and again.');
    }
    isFailing = true;
  }

  /** What the store says about who lives, asked with renewal `number`. */
  function apply(ids: readonly string[], number: number): void {
    // Overtaken by the answer to a later one.
    if (number < applied) return;
    applied = number;
    const listed = new Set(ids);
    for (const node of Array.from(living)) {
      // Heard of after the question was sent: the store may have answered before that node had registered.
      const isOlder = (since.get(node) ?? 0) < number;
      if (node !== id && isOlder && !listed.has(node)) forget(node);
    }
    for (const node of ids) noteHere(node);
  }

  async function markDead(): Promise<void> {
    const asked = id;
    const dead = await store.markDead(asked);
    for (const node of dead) {
      log.warn({ node }, 'A node has not renewed its lease in time. It was marked dead; its users can chat elsewhere.');
      tellGone(node);
      forget(node);
    }
  }

  function noteHere(node: string): void {
    if (living.has(node) || gone.has(node) || state !== 'alive') return;
    living.add(node);
    since.set(node, sent);
    onAppeared.run(node);
  }

  /** Who lives is asked at once; it says nothing about how well the renewals go. */
  async function look(): Promise<void> {
    if (state !== 'alive' || isLooking) {
      isLookDue = isLooking;
      return;
    }
    const asked = id;
    const number = ++sent;
    isLooking = true;
    try {
      const ids = await store.renew(asked, deadlineMs);
      if (asked === id && state === 'alive') {
        if (ids === undefined) fence();
        else apply(ids, number);
      }
    } catch {
      // The next renewal tells.
    }
    isLooking = false;
    if (!isLookDue) return;
    isLookDue = false;
    void look();
  }

  function forget(node: string): void {
    if (gone.has(node)) return;
    gone.add(node);
    if (gone.size > maxGone) {
      const [oldest = node] = gone;
      gone.delete(oldest);
    }
    living.delete(node);
    since.delete(node);
    onGone.run(node);
  }

  function fence(): void {
    if (state !== 'alive') return;
    state = 'fenced';
    cancel();
    const former = id;
    id = random(nodeIdBytes);
    forget(former);
    onFenced.run(former);
  }

  return {
    get id() {
      return id;
    },
    get isAlive() {
      return state === 'alive';
    },
    living,
    isGone: (node) => gone.has(node),
    begin,
    noteFenced(node) {
      if (node === id) fence();
    },
    noteHere,
    noteGone: () => void look(),
    onGone: (listener) => onGone.add(listener),
    onAppeared: (listener) => onAppeared.add(listener),
    onFenced: (listener) => onFenced.add(listener),
    async leave() {
      const wasAlive = state === 'alive';
      state = 'left';
      cancel();
      if (!wasAlive) return;
      try {
        await store.leave(id);
        tellGone(id);
      } catch (error: unknown) {
        log.warn({ err: error }, 'This node could not leave; the others wait until its lease is over.');
      }
    },
  };
}

type Listeners = { add(listener: (node: string) => void): () => void; run(node: string): void };

function createListeners(): Listeners {
  const listeners = new Set<(node: string) => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    run(node) {
      for (const listener of Array.from(listeners)) listener(node);
    },
  };
}
