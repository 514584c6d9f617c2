/**
 * What a bot must not forget when its process is killed: where it is in its session, the token of its own log-in, and
 * the commands it has received and not answered. Keeps them in the state file where there is one; without one it works
 * the same until the process ends. Never says a token.
 *
 * When it is written. The server forgets what came before a cursor once the cursor is presented, and not earlier: until
 * then a killed bot gets it again. So the last moment is before a request with a cursor goes out, which is when `flush`
 * is called; in between a change is written within a moment, so that the file's cursor is not older than the server's
 * outbox reaches. Cursor and commands are of the same moment: what the cursor counts is answered or among the commands.
 */
import type { ExportedSession } from '../src/client/index.ts';
import { type BotLog, type Command, reasonOf } from './command.ts';
import { type StateFile, StateFileLost, stateFileTimes } from './state-file.ts';

// Bursts make one write; what is lost with a kill within it comes again.
const coalesceMs = 100;
// The longest grace that a server may give. An older command nobody waits for; and far below the day for which servers
// remember refs, so that what was answered already is not answered again.
const oldestMs = 3_600_000;

/** `at`: when it was received, in milliseconds since 1970. */
export type PendingCommand = Command & { at?: number };

type Contents = {
  server: string;
  account: string;
  token?: string | undefined;
  session?: ExportedSession | undefined;
  pending: PendingCommand[];
};

export type MemoryDeps = {
  /** Undefined: nothing outlives the process. */
  file: StateFile | undefined;
  /** What is remembered of another server or account is of no use. */
  server: string;
  account: string;
  /** Where the client is; undefined while it is in no chat. */
  exportSession: () => ExportedSession | undefined;
  log: BotLog;
  /** Milliseconds since 1970. */
  now: () => number;
};

export type Memory = {
  /** Of the bot's own log-in. A new one is written at once. */
  token: string | undefined;
  /** Where to go on from. */
  readonly session: ExportedSession | undefined;
  /** Whether another bot had the state file when it was last tried. */
  readonly isTaken: boolean;
  /** Whether the token is or was in the state file, where another bot may have read it. */
  readonly isTokenShared: boolean;
  /** Tries to get the state file, where it does not have it yet, and reads what a bot before has left. */
  open(): void;
  /** The session is over or somebody else's. */
  forgetSession(): void;
  /** A command that has to be answered. */
  add(command: PendingCommand): void;
  /** It was answered, or never will be. */
  remove(command: Command): void;
  /** The commands that a bot before has not answered, once. They count as not added. */
  takeLeft(): PendingCommand[];
  /** The session went on. */
  touch(): void;
  /** Writes what has changed, now. */
  flush(): void;
  /** Writes a last time and gives the file free. Tells whether a bot after this one can go on from it. */
  leave(): boolean;
  /** Stops writing. */
  close(): void;
};

export function createMemory({ file, server, account, exportSession, log, now }: MemoryDeps): Memory {
  const pending = new Map<string, PendingCommand>();
  let left: PendingCommand[] = [];
  let token: string | undefined;
  let session: ExportedSession | undefined;
  let isHeld = false;
  let isTokenShared = false;
  let isTaken = false;
  let isOver = false;
  let isChanged = false;
  let timer: NodeJS.Timeout | undefined;
  let beat: NodeJS.Timeout | undefined;
  let lastWarning = '';

  const warn = (sentence: string): void => {
    if (sentence !== lastWarning) log.warn(sentence);
    lastWarning = sentence;
  };

  function contents(): Contents {
    // Without one the client has ended: its last place may still be of use.
    session = exportSession() ?? session;
    return { server, account, token, session, pending: [...left, ...pending.values()] };
  }

  function save(write: (file: StateFile) => void): boolean {
    clearTimeout(timer);
    timer = undefined;
    if (file === undefined || isOver) return false;
    try {
      write(file);
      isChanged = false;
      isTokenShared = true;
      lastWarning = '';
      return true;
    } catch (error) {
      if (error instanceof StateFileLost) isHeld = false;
      const what = error instanceof StateFileLost ? 'is lost' : 'cannot be written';
      warn(`The state file ${what}, so a restart may miss commands: ${reasonOf(error)}.`);
      return false;
    }
  }

  const flush = (): void => {
    if (isHeld && isChanged) save((own) => own.write(contents()));
  };

  const touch = (): void => {
    isChanged = true;
    if (isHeld && !isOver) timer ??= setTimeout(flush, coalesceMs);
  };

  function shareToken(found: Contents): void {
    if (token !== undefined || found.token === undefined) return;
    token = found.token;
    isTokenShared = true;
  }

  function take(claimed: unknown): void {
    const found = readContents(claimed);
    if (found === undefined) return;
    if (found.server !== server || found.account !== account) {
      const whose = found.server === server ? 'account' : 'server';
      log.warn(`The state file is of another ${whose}: what it says is ignored.`);
      return;
    }
    shareToken(found);
    session ??= found.session;
    left = found.pending.filter(({ id }) => !pending.has(id));
  }

  function open(): void {
    if (file === undefined || isHeld || isOver) return;
    const claim = file.claim();
    isTaken = claim.kind === 'taken';
    if (claim.kind === 'unusable') return warn(`${claim.sentence} The bot goes on without a state file.`);
    if (claim.kind === 'taken') {
      warn(`${claim.sentence} This one goes on without.`);
      // One token will do for both, or each bot that waits for another would leave one behind.
      const found = readContents(claim.contents);
      if (found?.server === server && found.account === account) shareToken(found);
      return;
    }
    if (claim.ignored !== undefined) log.warn(`${claim.ignored}: it is ignored.`);
    take(claim.contents);
    isHeld = save((own) => own.write(contents()));
    clearInterval(beat);
    if (!isHeld) return;
    beat = setInterval(() => {
      isChanged = true;
      flush();
    }, stateFileTimes.beatMs);
  }

  const close = (): void => {
    isOver = true;
    clearTimeout(timer);
    clearInterval(beat);
  };

  return {
    get token() {
      return token;
    },
    set token(value) {
      token = value;
      isTokenShared = false;
      touch();
      flush();
    },
    get session() {
      return exportSession() ?? session;
    },
    get isTaken() {
      return isTaken;
    },
    get isTokenShared() {
      return isTokenShared;
    },
    open,
    forgetSession() {
      session = undefined;
      touch();
    },
    add(command) {
      pending.set(command.id, { ...command, at: command.at ?? now() });
      touch();
    },
    remove({ id }) {
      if (pending.delete(id)) touch();
    },
    takeLeft() {
      const taken = left.filter(({ at = 0 }) => now() - at < oldestMs);
      left = [];
      touch();
      return taken;
    },
    touch,
    flush,
    leave() {
      const isKept = isHeld && save((own) => own.release(contents()));
      close();
      return isKept;
    },
    close,
  };
}

/** Read by hand, since it comes from a file. Whether the session is one, the client says. */
function readContents(value: unknown): Contents | undefined {
  if (!isObject(value)) return undefined;
  const { server, account, token, session, pending } = value;
  if (typeof server !== 'string' || typeof account !== 'string') return undefined;
  return {
    server,
    account,
    token: typeof token === 'string' ? token : undefined,
    session: isObject(session) ? (session as ExportedSession) : undefined,
    pending: Array.isArray(pending) ? pending.filter(isPending) : [],
  };
}

function isPending(value: unknown): value is PendingCommand {
  if (!isObject(value) || typeof value['at'] !== 'number') return false;
  return ['id', 'room', 'user', 'command', 'payload', 'stamp'].every((name) => typeof value[name] === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
