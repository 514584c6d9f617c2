/**
 * This node among the others, put together: its lease, what nodes say to each other, and what being marked dead means.
 * Owns the order in which these begin, begin anew and end; the chat is told what it has to know through its links.
 */
import type { Chat, ChatLinks } from '../core/chat.ts';
import type { Bus } from '../core/cluster-ports.ts';
import type { Elsewhere, Moves } from '../core/elsewhere.ts';
import type { Clock, RandomText, Storage } from '../core/ports.ts';
import { createClaimKeeper } from './claim-keeper.ts';
import { type BusCounts, countBus } from './counted-bus.ts';
import { createRoomCounts } from './counts.ts';
import { createForwarding, type ForwardingOptions } from './forwarding.ts';
import { createHearing } from './hearing.ts';
import { createMembership, type Membership } from './membership.ts';
import { createMoves } from './moves.ts';
import { createOwners } from './owners.ts';
import { type ClusterPeers, createPeers } from './peers.ts';
import { createRoomChannels } from './room-channels.ts';

/** Between two attempts to begin anew: the store may be away. */
const beginPauseMs = 1_000;

type Log = {
  info(details: object, sentence: string): void;
  warn(details: object, sentence: string): void;
  error(details: object, sentence: string): void;
};

export type ClusterOptions = {
  storage: Pick<Storage, 'nodes' | 'claims' | 'changes' | 'clusterId'>;
  /** Closed with the cluster. */
  bus: Bus;
  clock: Clock;
  random: RandomText;
  leaseMs: number;
  log: Log;
};

/** What the metrics read. */
export type ClusterCounts = {
  bus: Readonly<BusCounts>;
  questions: ClusterPeers['counts'];
  /** Resumes of sessions that another node had, by what came of them. */
  moves: Record<MoveOutcome, number>;
  /** How often this process was marked dead. */
  fenced: number;
};
export type MoveOutcome = 'moved' | 'refused' | 'failed';

export interface Cluster {
  /** This node, at the moment. */
  readonly node: string;
  /** Nodes that live, as far as this one knows, itself included. */
  readonly living: number;
  /** False while this node counts as dead and has not begun anew. */
  readonly isServing: boolean;
  /** Whether other nodes are heard within about a second. */
  isHealthy(): boolean;
  readonly counts: ClusterCounts;
  /** For `openChat`. */
  readonly links: ChatLinks;
  /** The chat is open: the others may turn to it. */
  serve(chat: Chat): Promise<void>;
  /** What clients ask here for sessions that other nodes have; from now on the others ask this one, too. */
  forward(parts: Pick<ForwardingOptions, 'accounts' | 'sessions' | 'poll' | 'rateLimits'>): Elsewhere;
  /** Something was changed in the store: the others are to look at once. */
  tellChanges(): void;
  /** Once the chat is closed. Never rejects. */
  close(): Promise<void>;
}

/** Begins this node's lease. Rejects with StoreError. Redis may be away: the node is alone then until it is there. */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { storage, clock, random, leaseMs, log } = options;
  const bus = countBus(options.bus);
  const clusterId = await storage.clusterId();
  let peers: ClusterPeers | undefined = undefined;
  const membership = createMembership({
    store: storage.nodes,
    clock,
    random,
    leaseMs,
    log,
    tellGone: (node) => peers?.tellAll('gone', { node }),
  });
  await membership.begin();
  peers = createPeers({ bus, id: membership.id, clusterId, clock, log });
  return createCluster({ ...options, bus, clusterId }, membership, peers);
}

type CountedBus = ReturnType<typeof countBus>;

function createCluster(
  { storage, bus, clusterId, clock, log }: ClusterOptions & { bus: CountedBus; clusterId: string },
  membership: Membership,
  peers: ClusterPeers,
): Cluster {
  const counts: ClusterCounts = {
    bus: bus.counts,
    questions: peers.counts,
    moves: { moved: 0, refused: 0, failed: 0 },
    fenced: 0,
  };
  const noteHere = (node: string): void => membership.noteHere(node);
  const channels = createRoomChannels({ bus, peers, clusterId, clock, log, noteHere });
  const roomCounts = createRoomCounts({ bus, peers, clock, noteHere });
  const hearing = createHearing({ bus, peers, clock, living: membership.living });
  const owners = createOwners({ peers, store: storage.claims, changes: storage.changes, clock });
  const claims = createClaimKeeper({
    store: storage.claims,
    node: () => membership.id,
    clock,
    ask: (claim, takeover) => owners.ask(claim, takeover),
    onFenced: (node) => membership.noteFenced(node),
    log,
  });
  const moves = createMoves({
    peers,
    claims: storage.claims,
    keeper: claims,
    clock,
    onFenced: (node) => membership.noteFenced(node),
    log,
  });
  let chat: Chat | undefined;
  /** Under which id it is known to itself; until it has heard that it is dead, the former one. */
  let self = membership.id;
  let isServing = true;
  let isClosed = false;

  peers.on('here', (_value, from) => membership.noteHere(from));
  peers.on('gone', () => membership.noteGone());
  peers.on('changes', () => void readChanges());
  bus.onRestored(() => void reconcile());
  membership.onAppeared((node) => log.info({ node, nodes: membership.living.size }, 'Another node is here.'));
  membership.onGone((node) => {
    if (node !== self) log.info({ node, nodes: membership.living.size }, 'A node is gone.');
    peers.gone(node);
    chat?.hub.nodeGone(node);
  });
  membership.onFenced((node) => void beginAnew(node));

  async function readChanges(): Promise<void> {
    // What fails is read with the next look, which says so if it fails, too.
    await chat?.readChanges().catch(() => {});
  }

  /** What other nodes have said meanwhile is lost. */
  async function reconcile(): Promise<void> {
    await readChanges();
    await chat?.hub.reconcile().catch(() => {});
  }

  async function beginAnew(former: string): Promise<void> {
    counts.fenced += 1;
    isServing = false;
    const sentence = 'The other nodes have marked this one dead. Its sessions end, and it begins anew.';
    log.error({ node: former, sessions: chat?.sessions.size ?? 0 }, sentence);
    chat?.suspend();
    self = membership.id;
    peers.restart(self);
    while (!(await begin())) await pause(clock, beginPauseMs);
    if (isClosed) return;
    await bury(former);
    await peers.ready;
    await readChanges();
    peers.tellAll('here', {});
    roomCounts.announce();
    // Marked dead once more meanwhile.
    if (!membership.isAlive) return;
    isServing = true;
    chat?.goOn();
    log.info({ node: membership.id, former }, 'This node is back, under another id.');
  }

  /** Whoever has found this node dead may have told nobody else, or have been wrong. */
  async function bury(former: string): Promise<void> {
    try {
      await storage.nodes.leave(former);
      peers.tellAll('gone', { node: former });
    } catch {
      // Then its lease ends by itself.
    }
  }

  async function begin(): Promise<boolean> {
    if (isClosed) return true;
    try {
      await membership.begin();
      return true;
    } catch {
      // The database is away, which others say.
      return false;
    }
  }

  return {
    get node() {
      return membership.id;
    },
    get living() {
      return membership.living.size;
    },
    get isServing() {
      return isServing;
    },
    isHealthy: () => bus.isHealthy(),
    counts,
    links: {
      node: () => membership.id,
      onFenced: (node) => membership.noteFenced(node),
      hasOthers: () => membership.living.size > 1,
      claims,
      moves: countMoves(moves, counts.moves),
      channels,
      counts: roomCounts,
      hearsAll: () => hearing.hearsAll(),
      onEnded: (session, code) => owners.tellEnded(session, code),
      onOwed: (userId, ms) => owners.tellOwed(userId, ms),
      onAsked: (change) => owners.heard(change),
    },
    async serve(opened) {
      chat = opened;
      owners.serve(chat.sessions);
      claims.watch(chat.sessions);
      moves.serve(chat);
      await peers.ready;
      peers.tellAll('here', {});
      roomCounts.announce();
      if (!isServing) chat.suspend();
    },
    forward: (parts) => createForwarding({ ...parts, peers, store: storage.claims, clock }),
    tellChanges: () => peers.tellAll('changes', {}),
    async close() {
      isClosed = true;
      moves.close();
      channels.close();
      roomCounts.close();
      hearing.close();
      claims.close();
      await membership.leave();
      peers.close();
      await bus.close();
    },
  };
}

function countMoves(moves: Moves, counts: ClusterCounts['moves']): Moves {
  return {
    async resume(...asked) {
      const moved = await moves.resume(...asked);
      counts[typeof moved === 'object' ? 'moved' : moved === 'unavailable' ? 'failed' : 'refused'] += 1;
      return moved;
    },
  };
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
