/**
 * Keeps the bot in the chat for ever: logs in, connects, and begins anew after every end. The client comes back by
 * itself from cut connections and restarts; here are the ends that it leaves to its owner: refused credentials, an
 * expired token, an account in use. Each is said in one sentence and tried again with growing waits. The first run goes
 * on from what a bot before this one has left, and the stop leaves it for the next.
 */
import { type Client, FatalError, RequestError } from '../src/client/index.ts';
import { type BotLog, reasonOf } from './command.ts';
import type { Memory } from './memory.ts';
import { keepRooms, type RoomReport } from './rooms.ts';
import type { Wait } from './wait.ts';

export type Account = {
  /** Absent: the bot has a token only. */
  credentials?: { username: string; password: string };
  /** Absent: the bot logs in first. */
  token?: string;
};

export type PresenceDeps = {
  client: Pick<
    Client,
    'login' | 'logout' | 'connect' | 'close' | 'suspend' | 'list' | 'join' | 'part' | 'on' | 'state' | 'token'
  >;
  memory: Pick<Memory, 'open' | 'isTaken' | 'token' | 'isTokenShared' | 'session' | 'forgetSession' | 'leave'>;
  /** As people know the server, for the log. */
  url: string;
  account: Account;
  rooms: readonly string[];
  log: BotLog;
  wait: Wait;
  /** Milliseconds, monotonic. */
  now: () => number;
  /** From 0 up to 1. */
  random: () => number;
  signal: AbortSignal;
};

/** Why a run of the chat ended. `atOnce`: trying again at once makes sense, once. */
type End = { sentence: string; atOnce?: boolean };

// Waits after ends in a row: quick at first, since most pass soon; five minutes at most, which is kind to the log-in throttle.
const firstWaitMs = 2000;
const longestWaitMs = 300_000;
// Between two looks at a state file that another bot has. That bot may be the one that this one replaces: the grace is
// longer than this, and shorter than the waits.
const lookMs = 2000;
// A chat that lasted this long was a success: the waits begin anew.
const stableMs = 60_000;
// A log-out is a courtesy and must not hold up the stop.
const logoutMs = 2000;

/**
 * Runs until `signal` aborts. Then it leaves the chat, unless a bot after it can go on from the memory: for that one the
 * server keeps the session during its grace. Never rejects.
 */
export async function stayInChat(deps: PresenceDeps): Promise<void> {
  const { client, log, now, random, signal } = deps;
  const report: RoomReport = { last: '' };
  const removeListener = client.on('state', sayState(deps));
  let attempt = 0;
  try {
    while (!signal.aborted) {
      const began = now();
      const end = await runChat(deps, report);
      if (signal.aborted) break;
      if (now() - began >= stableMs) attempt = 0;
      const isFree = end.atOnce === true && attempt === 0;
      const ms = isFree ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempt, 10)) * (0.5 + random() / 2);
      attempt += 1;
      log.warn(`${end.sentence} Trying again ${isFree ? 'now' : `in ${Math.ceil(ms / 1000)} s`}.`);
      await pause(ms, deps);
    }
  } finally {
    removeListener();
    await leave(deps);
  }
}

/** Waits; where another bot has the state file, not longer than that. */
async function pause(ms: number, { memory, wait, signal }: PresenceDeps): Promise<void> {
  for (let left = ms; memory.isTaken && !signal.aborted; left -= lookMs) {
    if (left <= lookMs) return wait(left, signal);
    await wait(lookMs, signal);
    memory.open();
    if (!memory.isTaken) return;
  }
  await wait(ms, signal);
}

/** One run: from the log-in to the client's end. */
async function runChat(deps: PresenceDeps, report: RoomReport): Promise<End> {
  const { client, memory, account, signal } = deps;
  memory.open();
  client.token ??= memory.token;
  let isFresh = false;
  try {
    if (client.token === undefined && account.credentials !== undefined) {
      memory.token = await client.login(account.credentials, { signal });
      isFresh = true;
    }
  } catch (error) {
    return { sentence: sayRefusedLogin(error, deps) };
  }
  const { session } = memory;
  const removeSay = client.on('session', saySession(deps.log, session?.cursor !== undefined));
  const over = new AbortController();
  const stop = (): void => over.abort();
  signal.addEventListener('abort', stop, { once: true });
  const ended = new Promise<FatalError | undefined>((resolve) => {
    const remove = client.on('end', ({ error }) => settle(error));
    const settle = (error?: FatalError): void => {
      remove();
      resolve(error);
    };
    over.signal.addEventListener('abort', () => settle(), { once: true });
  });
  try {
    // Without the signal, at which the client would end the session: what becomes of it is for `leave` to say.
    const connected = client.connect(session === undefined ? {} : { resume: session });
    await Promise.race([connected, ended]);
    const [error] = await Promise.all([
      ended.finally(stop),
      keepRooms({ ...deps, wanted: deps.rooms, signal: over.signal }, report),
    ]);
    return sayEnd(error, isFresh, deps);
  } catch (error) {
    return sayEnd(error, isFresh, deps);
  } finally {
    stop();
    removeSay();
    signal.removeEventListener('abort', stop);
  }
}

function sayState({ url, log }: PresenceDeps): (event: { state: string; previous: string }) => void {
  let isTold = false;
  return ({ state, previous }) => {
    if (state === 'open') {
      isTold = false;
      log.info(`In the chat of ${url}.`);
    } else if (state === 'waiting' && !isTold) {
      isTold = true;
      const what = previous === 'open' ? 'The connection is gone' : `${url} cannot be reached`;
      log.warn(`${what}: trying until it is back.`);
    }
  };
}

/** `isExpected`: whether there was a session to go on from. */
function saySession(log: BotLog, isExpected: boolean): (event: { resumed: boolean }) => void {
  let isFirst = true;
  return ({ resumed }) => {
    if (resumed) log.info('The session goes on where it was: nothing was missed.');
    else if (isFirst && isExpected) log.warn('The session before is over: what was asked since then is not answered.');
    isFirst = false;
  };
}

function sayRefusedLogin(error: unknown, { url }: PresenceDeps): string {
  if (!(error instanceof RequestError)) return `The log-in failed: ${reasonOf(error)}`;
  if (error.status === 0) return `${url} cannot be reached for the log-in.`;
  if (error.status === 400) return `The server refuses FINBOT_USERNAME and FINBOT_PASSWORD: ${error.message}`;
  if (error.status === 429) return `The server asks for a pause before the next log-in: ${error.message}`;
  return `The log-in failed with status ${error.status}: ${error.message}`;
}

function sayEnd(error: unknown, isFresh: boolean, { client, memory, url, account, signal }: PresenceDeps): End {
  // With another token the session may go on. After all other ends it is over, or somebody else's, who keeps it.
  const code = error instanceof FatalError ? error.code : undefined;
  if (code !== 'not-authenticated' && code !== 'blocked' && !signal.aborted) memory.forgetSession();
  if (!(error instanceof FatalError)) {
    return { sentence: `The chat ended: ${reasonOf(error)}`, atOnce: error instanceof TypeError };
  }
  const canLogIn = account.credentials !== undefined;
  switch (error.code) {
    case 'not-authenticated':
    case 'logged-out':
      if (!canLogIn) {
        return {
          sentence: 'The server does not accept FINBOT_TOKEN: it is unknown, expired or revoked. Make a new one.',
        };
      }
      if (memory.token === client.token) memory.token = undefined;
      client.token = undefined;
      return { sentence: 'The token is no longer valid, so the bot logs in.', atOnce: !isFresh };
    case 'already-chatting':
      return { sentence: 'The bot’s account is chatting elsewhere: is another bot running with it?' };
    case 'resumed-elsewhere':
      return { sentence: 'Another process goes on with the bot’s session: is another bot running with its account?' };
    case 'kicked':
      return { sentence: 'An administrator removed the bot’s account from the chat.' };
    case 'ended':
      return { sentence: `${url} ended the connection.` };
    case 'blocked':
      return { sentence: `No WebSocket to ${url} can be opened: ${reasonOf(error.cause)}.` };
    default:
      return { sentence: error.message };
  }
}

async function leave({ client, memory, account, log }: PresenceDeps): Promise<void> {
  const hadSession = memory.session !== undefined;
  // In one turn, so that nothing comes in between that nobody would remember.
  if (memory.leave()) {
    if (hadSession) log.info('Not leaving the chat: a bot started within the server’s grace goes on from here.');
    await client.suspend();
    return;
  }
  const { token } = client;
  await client.close();
  // Ends the token of our own log-in, or each start would leave one behind. One from the state file may be another bot's too.
  if (token === undefined || token === account.token || memory.isTokenShared) return;
  try {
    await client.logout({ signal: AbortSignal.timeout(logoutMs) });
  } catch {
    // It expires by itself.
  }
}
