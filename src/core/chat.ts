/**
 * The chat of one node, put together: directory, hub, message log, sessions, and the changes that other processes make.
 * Owns starting, what a change means here, and stopping without losing anything.
 */
import { limits } from '../protocol/limits.ts';
import type { Accounts } from './accounts.ts';
import { type ChangeReader, createChangeReader } from './change-reader.ts';
import { type Counters, createCounters } from './counters.ts';
import type { Claims, Moves, TellEnded, TellOwed } from './elsewhere.ts';
import { Hub } from './hub.ts';
import { createMessageLog, type MessageLog, type MessageLogOptions } from './message-log.ts';
import { Mutes } from './mutes.ts';
import { mayLogIn } from './permissions.ts';
import type { Change, Clock, RandomText, Storage } from './ports.ts';
import type { RoomChannels, RoomCounts } from './room-channel.ts';
import { RoomDirectory } from './rooms.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import { Sessions } from './sessions.ts';
import { createTokenBuckets } from './token-bucket.ts';
import type { ConnectionEvents, OpenRequest, Transport } from './transport.ts';
import { createTurn } from './turn.ts';

/**
 * Clients are asked to come back spread out: so many a second. To let one in and back into a room of 50 takes 0.6 ms of
 * CPU, so this is most of a core; with fewer a second, of 5,000 clients a quarter would be away for longer than it must.
 */
const reconnectsPerSecond = 1_250;
/** No client is asked to come back sooner: the server needs this long to start again. */
const minReconnectMs = 500;
/** The share of the time for which sessions wait until the last client is asked to come: the rest is for its way back. */
const comeBackShare = 0.7;
/** Milliseconds that clients have to take what is due to them before their connections close: some round trips. */
const takeMs = 500;
/** Milliseconds between two looks whether they have. */
const takeLookMs = 20;
/** Sessions that are told or ended in one turn of the event loop while the node stops: some milliseconds, then others have their turn. */
export const sessionsPerTurn = 100;

/** `sessionGrace`, `pollGap`: seconds. `sessionOutbox`: bytes. */
export type ChatSettings = {
  motd: string;
  messageMaxLength: number;
  rateLimits: boolean;
  sessionGrace: number;
  sessionOutbox: number;
  pollGap: number;
};

/** What the chat of one node needs of a cluster. */
export type ChatLinks = {
  /** This node, at the moment. */
  node: () => string;
  /** A write in the name of `node` was refused: it was marked dead. */
  onFenced: (node: string) => void;
  /** Whether another node lives, where the clients of this one may go on when it stops. Left out: no. */
  hasOthers?: () => boolean;
  claims?: Claims;
  moves?: Moves;
  channels?: RoomChannels;
  counts?: RoomCounts;
  /** Whether all that other nodes have said lately was heard here, as far as this one knows. */
  hearsAll?: () => boolean;
  /** A session was ended by a fatal that its client may not have heard. */
  onEnded?: TellEnded;
  onOwed?: TellOwed;
  /** Another node asks through the store for the place of a session. */
  onAsked?: (change: Extract<Change, { kind: 'session-asked' }>) => void;
};

export type ChatOptions = {
  storage: Storage;
  accounts: Accounts;
  clock: Clock;
  random: RandomText;
  /** A number from 0 to 1, 1 excluded. */
  chance: () => number;
  log: NonNullable<MessageLogOptions['log']>;
  settings: ChatSettings;
  /** Left out: this node is alone. */
  links?: ChatLinks;
};

export interface Chat {
  readonly directory: RoomDirectory;
  readonly hub: Hub;
  readonly sessions: Sessions;
  readonly counters: Counters;
  /** A connection wants to chat: where to tell what happens on it, or undefined when it was refused. */
  open(transport: Transport, request: OpenRequest): Promise<ConnectionEvents | undefined>;
  /** Reads the changes at once: something has just been changed. */
  readChanges(): Promise<void>;
  /** Messages that wait for their commit. */
  readonly pending: number;
  /**
   * This node counts as dead: ends all sessions and rooms at once, without a word to anybody else, and sends newcomers
   * away until `goOn`. What waits for its commit is answered `unavailable`.
   */
  suspend(): void;
  goOn(): void;
  /** Refuses newcomers, tells the clients, lets pending commits finish within `deadlineMs`, and closes every connection. */
  close(deadlineMs: number): Promise<void>;
}

/** Rejects with StoreError when the store cannot be read. */
export async function openChat(options: ChatOptions): Promise<Chat> {
  const { storage, accounts, clock, random, log, settings, links } = options;
  const counters = createCounters();
  const turn = createTurn(clock);
  // The place in the changes is read before anything is loaded, so that nothing can fall between.
  const startId = await storage.changes.latestId();
  let reader: ChangeReader | undefined = undefined;
  const directory = new RoomDirectory(() => reader?.read() ?? Promise.resolve());
  directory.reset(await storage.rooms.list());
  const mutes = new Mutes(clock);
  mutes.reset(await storage.users.muted(clock.now()));
  const onDelivered = (frames: number): number => (counters.delivered += frames);
  const hub = new Hub({ clock, turn, store: storage.messages, directory, onDelivered, log, ...links });
  const messageLog = createMessageLog({
    store: storage.messages,
    clock,
    random,
    log,
    onAbandoned: (roomIds) => hub.doubt(roomIds),
    ...links,
  });
  const context = createContext(options, { turn, hub, directory, messageLog, mutes, counters });
  const sessions = new Sessions({ accounts, clock, random, counters, context, motd: settings.motd, log, ...links });
  const parts: Parts = { directory, hub, sessions, mutes, onAsked: links?.onAsked };
  reader = createChangeReader(
    {
      store: storage.changes,
      clock,
      apply: (change) => applyChange(parts, change),
      reload: async () => reload(parts, storage, clock),
      alongside: () => hub.look(),
      log,
    },
    startId,
  );
  const changes = reader;
  let isClosed = false;

  return {
    directory,
    hub,
    sessions,
    counters,
    open: (transport, request) => sessions.open(transport, request),
    readChanges: () => changes.read(),
    get pending() {
      return messageLog.pending;
    },
    suspend() {
      sessions.pause();
      for (const session of Array.from(sessions.all())) session.stop();
      hub.dropAll();
    },
    goOn() {
      if (!isClosed) sessions.goOn();
    },
    close(deadlineMs) {
      isClosed = true;
      return closeChat({ sessions, changes, messageLog }, options, deadlineMs);
    },
  };
}

function createContext(
  { storage, clock, log, settings }: ChatOptions,
  parts: Pick<SessionContext, 'turn' | 'hub' | 'directory' | 'messageLog' | 'mutes' | 'counters'>,
): SessionContext {
  return {
    ...parts,
    clock,
    messages: storage.messages,
    bodyLength: settings.messageMaxLength,
    log,
    rateLimits: settings.rateLimits,
    graceSeconds: settings.sessionGrace,
    outboxBytes: settings.sessionOutbox,
    pollGapSeconds: settings.pollGap,
    messageBuckets: createTokenBuckets({ ratePerSecond: limits.messagesPerSecond, burst: limits.messageBurst, clock }),
    moveBuckets: createTokenBuckets({ ratePerSecond: limits.movesPerMinute / 60, burst: limits.moveBurst, clock }),
  };
}

async function closeChat(
  parts: { sessions: Sessions; changes: ChangeReader; messageLog: MessageLog },
  { clock, chance, links, settings }: ChatOptions,
  deadlineMs: number,
): Promise<void> {
  const { sessions, changes, messageLog } = parts;
  const until = clock.now() + deadlineMs;
  const hasOthers = links?.hasOthers?.() ?? false;
  sessions.close();
  // Sessions that go on elsewhere are to be ended here until then, by whoever ends sessions.
  if (!hasOthers) changes.close();
  const waitMs = hasOthers ? Math.min(deadlineMs, settings.sessionGrace * 1000) : Number.POSITIVE_INFINITY;
  const reconnectInMs = spreadReconnects(sessions.size, chance, waitMs * comeBackShare);
  await inTurns(sessions.all(), clock, (session) => {
    session.announceClosing(reconnectInMs());
    if (hasOthers) session.keepForMove();
  });
  await withinDeadline(clock, messageLog.close(), deadlineMs);
  // What the last commits showed goes out with this turn, before the connections close.
  await endOfTurns(clock);
  await untilTaken(sessions, clock);
  if (hasOthers) await drain(sessions, clock, until);
  changes.close();
  await inTurns(sessions.all(), clock, (session) => session.stop());
}

/** All of these, and others have their turn in between. */
async function inTurns(sessions: Iterable<Session>, clock: Clock, act: (session: Session) => void): Promise<void> {
  for (const [index, session] of Array.from(sessions).entries()) {
    if (index > 0 && index % sessionsPerTurn === 0) await endOfTurns(clock);
    act(session);
  }
}

/** Clients go on with their sessions on other nodes. Those who have not come there in time part, for everybody to see. */
async function drain(sessions: Sessions, clock: Clock, until: number): Promise<void> {
  const all = Array.from(sessions.all());
  const ended = Promise.all(all.map((session) => session.ended)).then(() => {});
  sessions.drain();
  await inTurns(all, clock, (session) => session.letGo());
  await withinDeadline(clock, ended, until - clock.now());
  await inTurns(all, clock, (session) => session.end('restarting'));
  await withinDeadline(clock, ended, takeMs);
  await endOfTurns(clock);
}

function endOfTurns(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.endOfTurn(() => clock.endOfTurn(resolve));
  });
}

/** What is due to clients that read slowly, or whose next poll is on its way, is not lost without need. */
async function untilTaken(sessions: Sessions, clock: Clock): Promise<void> {
  const isBehind = (): boolean => Array.from(sessions.all()).some((session) => session.isBehind);
  for (let passedMs = 0; isBehind() && passedMs < takeMs; passedMs += takeLookMs) {
    await new Promise<void>((resolve) => {
      clock.after(takeLookMs, resolve);
    });
  }
}

/** Each client gets a time of its own to come back, the last one after `latestMs` at most. */
function spreadReconnects(clients: number, chance: () => number, latestMs: number): () => number {
  const earliestMs = Math.min(minReconnectMs, latestMs / 2);
  const wantedMs = Math.max(minReconnectMs, (clients / reconnectsPerSecond) * 1000);
  const spreadMs = Math.min(wantedMs, latestMs - earliestMs);
  return () => Math.floor(earliestMs + chance() * spreadMs);
}

type Parts = {
  directory: RoomDirectory;
  hub: Hub;
  sessions: Sessions;
  mutes: Mutes;
  onAsked: ChatLinks['onAsked'];
};

function applyChange({ directory, hub, sessions, mutes, onAsked }: Parts, change: Change): void {
  switch (change.kind) {
    case 'room-created':
    case 'room-changed': {
      const old = directory.get(change.room.id);
      const isSame = old === undefined || (old.name === change.room.name && old.epoch === change.room.epoch);
      if (!isSame) hub.disband(change.room.id);
      directory.put(change.room);
      return;
    }
    case 'room-deleted':
      hub.disband(change.room.id);
      directory.remove(change.room.id);
      return;
    case 'user-deactivated':
    case 'user-kicked':
      sessions.kickUser(change.user.id);
      return;
    case 'token-revoked':
      sessions.revokeToken(change.token.userId, change.token.id);
      return;
    case 'message-deleted':
      hub.delete(change.room.id, change.message.id);
      return;
    case 'user-muted':
      mutes.set(change.user.id, change.until);
      return;
    case 'session-asked':
      onAsked?.(change);
  }
}

/** Everything that changes speak of is compared with the store. */
async function reload({ directory, hub, sessions, mutes }: Parts, storage: Storage, clock: Clock): Promise<void> {
  const rooms = await storage.rooms.list();
  for (const room of rooms) {
    const old = directory.get(room.id);
    if (old !== undefined && (old.name !== room.name || old.epoch !== room.epoch)) hub.disband(room.id);
  }
  for (const id of directory.reset(rooms)) hub.disband(id);
  mutes.reset(await storage.users.muted(clock.now()));
  await hub.recheck();
  const tokens = new Set((await storage.tokens.list()).map((token) => token.id));
  for (const session of Array.from(sessions.all())) {
    const user = await storage.users.findById(session.userId);
    if (user === undefined || !mayLogIn(user, clock.now())) sessions.kickUser(session.userId);
    else if (!tokens.has(session.principal.token.id)) sessions.revokeToken(session.userId, session.principal.token.id);
  }
}

function withinDeadline(clock: Clock, work: Promise<void>, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(deadlineMs, resolve);
    void work.then(() => {
      cancel();
      resolve();
    });
  });
}
