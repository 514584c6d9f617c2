/**
 * Nodes of one cluster in one process, each with what decides who may chat: sessions, claims in SQL, and the questions that
 * nodes ask each other. Without rooms, and without sockets: a test is the transport.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { createMemoryBus, type MemoryHub } from '../../src/bus/memory-bus.ts';
import { type ClaimKeeper, createClaimKeeper } from '../../src/cluster/claim-keeper.ts';
import { createForwarding } from '../../src/cluster/forwarding.ts';
import { createOwners, type Owners } from '../../src/cluster/owners.ts';
import { type ClusterPeers, createPeers } from '../../src/cluster/peers.ts';
import { type Accounts, createAccounts } from '../../src/core/accounts.ts';
import { createChangeReader } from '../../src/core/change-reader.ts';
import { randomText, systemClock } from '../../src/core/clock.ts';
import type { Bus, ClaimStore } from '../../src/core/cluster-ports.ts';
import { createCounters } from '../../src/core/counters.ts';
import type { Elsewhere, Moves } from '../../src/core/elsewhere.ts';
import { createPasswords } from '../../src/core/passwords.ts';
import type { Storage } from '../../src/core/ports.ts';
import type { SessionContext } from '../../src/core/session-context.ts';
import { Sessions } from '../../src/core/sessions.ts';
import type { ConnectionEvents, OpenRequest, Transport, TransportKind } from '../../src/core/transport.ts';
import { createTurn } from '../../src/core/turn.ts';
import type { CloseName } from '../../src/protocol/close-codes.ts';
import type { FatalCode } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { createPollAnswerer } from '../../src/transports/poll.ts';
import { createTestClock, type TestClock } from './app.ts';
import { createSqliteDatabase } from './databases.ts';

export type Comer = {
  /** What it was ended with. */
  ended: (FatalCode | CloseName)[];
  /** The messages that it got, as texts. */
  told: string[];
  /** Undefined: it was refused. */
  events: ConnectionEvents | undefined;
};

export type SessionNode = {
  id: string;
  sessions: Sessions;
  keeper: ClaimKeeper;
  owners: Owners;
  elsewhere: Elsewhere;
  peers: ClusterPeers;
  bus: Bus;
  accounts: Accounts;
  claims: ClaimStore;
  /** Nodes that were found to be dead. */
  fenced: string[];
  /** Sentences of the log. */
  said: string[];
  /** A connection of a client that answers every ping, unless it is `dead`. */
  come: (token: string, options?: ComeOptions) => Promise<Comer>;
};

export type ComeOptions = Partial<OpenRequest> & { kind?: TransportKind; dead?: boolean };

export type SessionNodes = {
  hub: MemoryHub;
  clock: TestClock;
  storage: Storage;
  nodes: SessionNode[];
  /** A new user, and a token of the user. */
  user: (name: string) => Promise<{ id: number; token: string }>;
  /** Lets time pass until the promise is settled. */
  during: <T>(work: Promise<T>) => Promise<T>;
};

export type NodeOptions = {
  /** Between a node and the claims in SQL. */
  wrapClaims?: (claims: ClaimStore, node: string) => ClaimStore;
  moves?: (node: string) => Moves;
};

/** Opens so many nodes, `a`, `b` and so on, on one SQLite file and the memory bus. */
export async function openSessionNodes(
  t: ExecutionContext,
  count: number,
  options: NodeOptions = {},
): Promise<SessionNodes> {
  const hub = createMemoryBus();
  const clock = createTestClock();
  const storage = await (await createSqliteDatabase(t)).open({ clock });
  const nodes: SessionNode[] = [];
  for (const id of 'abcdef'.slice(0, count)) {
    await storage.nodes.register(id, 3_600_000);
    nodes.push(openNode(t, id, { hub, clock, storage, ...options }));
  }
  const [first] = nodes as [SessionNode];
  return {
    hub,
    clock,
    storage,
    nodes,
    async user(username) {
      const user = await storage.users.create({
        username,
        email: '',
        passwordHash: '',
        isSuperuser: false,
        createdAt: 0,
      });
      return { id: user.id, token: (await first.accounts.createToken(user.id, 'test', null)).token };
    },
    async during(work) {
      const waiting = new Set([work]);
      const end = (): boolean => waiting.delete(work);
      work.then(end, end);
      while (waiting.size > 0) {
        await delay(2);
        clock.advance(25);
      }
      return work;
    },
  };
}

function openNode(
  t: ExecutionContext,
  id: string,
  { hub, clock, storage, wrapClaims, moves }: NodeOptions & { hub: MemoryHub; clock: TestClock; storage: Storage },
): SessionNode {
  const bus = hub.attach();
  const said: string[] = [];
  const fenced: string[] = [];
  const say = (_: object, sentence: string): void => void said.push(sentence);
  const log = { info: say, warn: say, error: say };
  const { users, tokens, changes } = storage;
  const passwords = createPasswords({ rounds: 4, concurrency: 1, maxQueued: 1 });
  const accounts = createAccounts({ users, tokens, passwords, clock, random: randomText, tokenTtlMs: 3_600_000 });
  const claims = wrapClaims?.(storage.claims, id) ?? storage.claims;
  const peers = createPeers({ bus, id, clusterId: 'c', clock, log });
  const owners = createOwners({ peers, store: claims, changes, clock });
  const keeper = createClaimKeeper({
    store: claims,
    node: () => peers.id,
    clock,
    ask: (claim, takeover) => owners.ask(claim, takeover),
    onFenced: (node) => fenced.push(node),
    log,
  });
  const counters = createCounters();
  const context = {
    clock,
    turn: createTurn(systemClock),
    counters,
    rateLimits: true,
    messageBuckets: { take: () => 0, debtMs: () => 0, owe() {} },
    moveBuckets: { take: () => 0 },
    outboxBytes: limits.outboxBytes,
    graceSeconds: limits.graceSeconds,
    pollGapSeconds: limits.pollGapSeconds,
  } as Partial<SessionContext> as SessionContext;
  const sessions = new Sessions({
    accounts,
    clock,
    random: randomText,
    counters,
    context,
    motd: '',
    log,
    claims: keeper,
    ...(moves === undefined ? {} : { moves: moves(id) }),
    onEnded: (session, code) => owners.tellEnded(session, code),
    onOwed: (userId, ms) => owners.tellOwed(userId, ms),
  });
  keeper.watch(sessions);
  owners.serve(sessions);
  const open: Sessions['open'] = (transport, request) => sessions.open(transport, request);
  const poll = createPollAnswerer({ open, clock });
  const elsewhere = createForwarding({ peers, store: claims, accounts, sessions, poll, clock, rateLimits: true });
  const reader = createChangeReader(
    {
      store: changes,
      clock,
      apply: (change) => void (change.kind === 'session-asked' && owners.heard(change)),
      reload: async () => {},
      alongside: async () => {},
      log,
    },
    0,
  );
  t.teardown(async () => {
    reader.close();
    keeper.close();
    sessions.close();
    for (const session of Array.from(sessions.all())) session.stop();
    peers.close();
    await bus.close();
  });
  const come = (token: string, options: ComeOptions = {}): Promise<Comer> => connect(sessions, token, options);
  return { id, sessions, keeper, owners, elsewhere, peers, bus, accounts, claims, fenced, said, come };
}

async function connect(
  sessions: Sessions,
  token: string,
  { kind = 'websocket', dead = false, ...request }: ComeOptions,
): Promise<Comer> {
  const comer: Comer = { ended: [], told: [], events: undefined };
  const transport: Transport = {
    kind,
    unwritten: () => 0,
    write: (frames) => void comer.told.push(...frames.map(({ bytes }) => bytes.toString())),
    refuse: (code) => void comer.ended.push(code),
    close: (name) => void comer.ended.push(name),
    ping: () => void (dead || setImmediate(() => comer.events?.onAlive())),
  };
  const credentials = { kind: 'token', token } as const;
  comer.events = await sessions.open(transport, {
    credentials,
    takeover: false,
    resumable: false,
    cursor: undefined,
    ...request,
  });
  return comer;
}
