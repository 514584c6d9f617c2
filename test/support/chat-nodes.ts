/**
 * Chats of several nodes of one cluster in one process, on one SQLite file and the memory bus, and clients that check each
 * frame as it comes. A test is the network: it says to which node a client goes, and what gets lost.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { createMemoryBus, type MemoryHub } from '../../src/bus/memory-bus.ts';
import { createClaimKeeper } from '../../src/cluster/claim-keeper.ts';
import { createMoves } from '../../src/cluster/moves.ts';
import { createOwners } from '../../src/cluster/owners.ts';
import { type ClusterPeers, createPeers } from '../../src/cluster/peers.ts';
import { createRoomChannels } from '../../src/cluster/room-channels.ts';
import { type Accounts, createAccounts } from '../../src/core/accounts.ts';
import { type Chat, type ChatSettings, openChat } from '../../src/core/chat.ts';
import { randomText } from '../../src/core/clock.ts';
import type { Bus, ClaimStore } from '../../src/core/cluster-ports.ts';
import { createPasswords } from '../../src/core/passwords.ts';
import type { Storage } from '../../src/core/ports.ts';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, type TestClock } from './app.ts';
import { createSqliteDatabase } from './databases.ts';
import { createNodeClient, type NodeClient } from './node-client.ts';

export type ChatNode = {
  id: string;
  chat: Chat;
  peers: ClusterPeers;
  bus: Bus;
  /** Sentences of the log, warnings and errors. */
  said: string[];
  /** It dies: from one instant on nothing of it is heard, and the others find out at once. */
  die: () => Promise<void>;
};

export type ChatNodes = {
  bus: MemoryHub;
  clock: TestClock;
  storage: Storage;
  nodes: ChatNode[];
  /** A new user, who is at no node yet. */
  client: (name: string) => Promise<NodeClient>;
  /** Lets time pass until `work` is settled. */
  during: <T>(work: Promise<T>) => Promise<T>;
};

export type ChatNodesOptions = {
  settings?: Partial<ChatSettings>;
  /** Between a node and what it shares with the others. */
  wrapClaims?: (claims: ClaimStore, node: string) => ClaimStore;
  wrapStorage?: (storage: Storage, node: string) => Storage;
  wrapBus?: (bus: Bus, node: string) => Bus;
};

type Shared = {
  hub: MemoryHub;
  clock: TestClock;
  storage: Storage;
  accounts: Accounts;
  nodes: ChatNode[];
};

/** No test lasts so long. */
const leaseMs = 3_600_000;

/** Opens so many nodes, `a`, `b` and so on, with the rooms `friends` and `news`. */
export async function openChatNodes(
  t: ExecutionContext,
  count: number,
  options: ChatNodesOptions = {},
): Promise<ChatNodes> {
  const clock = createTestClock();
  const storage = await (await createSqliteDatabase(t)).open({ clock });
  for (const name of ['friends', 'news']) await storage.rooms.create({ name, topic: '', createdAt: 0 });
  const { users, tokens } = storage;
  const passwords = createPasswords({ rounds: 4, concurrency: 1, maxQueued: 1 });
  const accounts = createAccounts({ users, tokens, passwords, clock, random: randomText, tokenTtlMs: 3_600_000 });
  const shared: Shared = { hub: createMemoryBus(), clock, storage, accounts, nodes: [] };
  for (const id of 'abcdef'.slice(0, count)) shared.nodes.push(await openNode(t, id, shared, options));
  return {
    bus: shared.hub,
    clock,
    storage,
    nodes: shared.nodes,
    async client(username) {
      const user = await users.create({ username, email: '', passwordHash: '', isSuperuser: false, createdAt: 0 });
      const { token } = await accounts.createToken(user.id, 'test', null);
      return createNodeClient(username, token);
    },
    async during(work) {
      const state = { isSettled: false };
      const settled = (): void => void (state.isSettled = true);
      work.then(settled, settled);
      while (!state.isSettled) {
        await delay(2);
        clock.advance(25);
      }
      return work;
    },
  };
}

async function openNode(
  t: ExecutionContext,
  id: string,
  shared: Shared,
  { settings, wrapClaims, wrapStorage, wrapBus }: ChatNodesOptions,
): Promise<ChatNode> {
  const { hub, clock, accounts, nodes } = shared;
  await shared.storage.nodes.register(id, leaseMs);
  const line = hub.attach();
  const bus = wrapBus?.(line, id) ?? line;
  const storage = wrapStorage?.(shared.storage, id) ?? shared.storage;
  const said: string[] = [];
  const say = (_: object, sentence: string): void => void said.push(sentence);
  const log = { info() {}, warn: say, error: say };
  const store = wrapClaims?.(shared.storage.claims, id) ?? shared.storage.claims;
  const peers = createPeers({ bus, id, clusterId: 'c', clock, log });
  const channels = createRoomChannels({ bus, peers, clusterId: 'c', clock, log });
  const owners = createOwners({ peers, store, changes: storage.changes, clock });
  const onFenced = (node: string): void => void said.push(`fenced ${node}`);
  const node = (): string => peers.id;
  const ask: typeof owners.ask = (claim, takeover) => owners.ask(claim, takeover);
  const keeper = createClaimKeeper({ store, node, clock, ask, onFenced, log });
  const moves = createMoves({ peers, claims: store, keeper, clock, onFenced, log });
  const chat = await openChat({
    storage,
    accounts,
    clock,
    random: randomText,
    chance: () => 0.5,
    log,
    settings: {
      motd: '',
      messageMaxLength: limits.bodyLength,
      rateLimits: false,
      sessionGrace: limits.graceSeconds,
      sessionOutbox: limits.outboxBytes,
      pollGap: limits.pollGapSeconds,
      ...settings,
    },
    links: {
      node,
      onFenced,
      hasOthers: () => nodes.some((other) => other.id !== id),
      claims: keeper,
      moves,
      channels,
      onAsked: (change) => owners.heard(change),
    },
  });
  owners.serve(chat.sessions);
  keeper.watch(chat.sessions);
  moves.serve(chat);
  let isDead = false;
  const end = async (): Promise<void> => {
    isDead = true;
    hub.break(line);
    await bus.close();
    chat.suspend();
    await chat.close(0);
    moves.close();
    keeper.close();
    channels.close();
    peers.close();
  };
  t.teardown(() => (isDead ? undefined : end()));
  return {
    id,
    chat,
    peers,
    bus,
    said,
    async die() {
      const ended = end();
      await shared.storage.nodes.leave(id);
      for (const other of nodes.filter((one) => one.id !== id)) {
        other.peers.gone(id);
        other.chat.hub.nodeGone(id);
      }
      await ended;
    },
  };
}
