/** The bot as `finchat bot` runs it: puts account, rooms, router and quotes together, and stops them in order. */
import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { createClient, type FetchLike, type WebSocketConstructor } from '../src/client/index.ts';
import type { BotLog, Handler } from './command.ts';
import { createStockHandler } from './commands/stock.ts';
import { readHost } from './host.ts';
import { createMemory } from './memory.ts';
import { type Account, stayInChat } from './presence.ts';
import { openQuoteChain } from './quotes/chain.ts';
import { createProviders } from './quotes/providers.ts';
import { createRouter } from './router.ts';
import { createSay } from './say.ts';
import { isProcessAlive, openStateFile, type StateFile } from './state-file.ts';
import { wait } from './wait.ts';

/** The FINBOT_* settings. */
export type BotConfig = {
  /** `host:port` or a URL. */
  host: string;
  username: string | undefined;
  password: string | undefined;
  token: string | undefined;
  /** None: all rooms. */
  rooms: readonly string[];
  /** Quote providers by name, in the order in which they are asked. */
  quotes: readonly string[];
  stooqUrl: string;
  yahooUrl: string;
  fixtureFile: string | undefined;
  /** Undefined: a bot started anew remembers nothing. */
  stateFile: string | undefined;
};

export type BotDeps = {
  /** Aborts when the bot shall stop. */
  signal: AbortSignal;
  log: BotLog;
  /** Node 20 has none of its own: that of the `ws` package. */
  WebSocket: WebSocketConstructor;
  fetch: typeof fetch;
};

/**
 * Runs the bot until `signal` aborts; then leaves the chat, or leaves it to the next one, and resolves. Troubles on the way (no server, refused
 * credentials, no rooms) are logged and tried again for ever.
 * @throws Error, before anything is opened, when a setting is missing or makes no sense.
 */
export async function runBot(config: BotConfig, { signal, log, WebSocket, fetch }: BotDeps): Promise<void> {
  const url = readHost(config.host);
  const account = readAccount(config);
  const chain = openQuoteChain({ providers: createProviders(config.quotes, { ...config, fetch }) });
  const now = (): number => performance.now();
  const memory = createMemory({
    file: config.stateFile === undefined ? undefined : fileOf(config.stateFile),
    server: url,
    account: nameOf(account),
    exportSession: () => client.session.export(),
    log,
    now: Date.now,
  });
  const client = createClient({
    url,
    ...writtenFirst({ WebSocket, fetch }, () => memory.flush()),
    ...(account.token === undefined ? {} : { token: account.token }),
    onListenerError: (error) => log.error(`A mistake in the bot: ${String(error)}`),
  });
  const handlers = new Map<string, Handler>([['stock', createStockHandler(chain)]]);
  const router = createRouter({ handlers, say: createSay({ client, wait, now }), open: memory, log, signal });
  client.on('frame', () => memory.touch());
  client.on('custom', ({ you, ...command }) => {
    // Its place in the session, which is the same when it comes again. A command whose place is not known never does.
    if (!you) router.receive({ ...command, id: client.session.export()?.cursor ?? randomUUID() });
  });
  client.on('session', () => {
    for (const command of memory.takeLeft()) router.receive(command);
  });
  // Nothing leads back to a new session before it is written. At the end of the turn all that came with it is told.
  for (const name of ['session', 'rejoined'] as const) client.on(name, () => queueMicrotask(() => memory.flush()));
  const closeChain = (): void => chain.close();
  signal.addEventListener('abort', closeChain, { once: true });
  try {
    await stayInChat({
      client,
      memory,
      url,
      account,
      rooms: config.rooms,
      log,
      wait,
      now,
      random: Math.random,
      signal,
    });
    await router.settled();
  } finally {
    signal.removeEventListener('abort', closeChain);
    closeChain();
    memory.close();
  }
  log.info('Stopped.');
}

/** The same means of connecting, with `flush` called before a cursor goes out: it lets the server forget. */
function writtenFirst(
  { WebSocket, fetch }: Pick<BotDeps, 'WebSocket' | 'fetch'>,
  flush: () => void,
): { WebSocket: WebSocketConstructor; fetch: FetchLike } {
  return {
    WebSocket: class extends WebSocket {
      constructor(address: string) {
        flush();
        super(address);
      }
    },
    fetch(address, init) {
      if (init.method === 'GET') flush();
      return fetch(address, init);
    },
  };
}

function fileOf(path: string): StateFile {
  const owner = { id: randomUUID(), host: hostname(), pid: process.pid };
  return openStateFile({ path, owner, now: Date.now, isAlive: isProcessAlive });
}

/** What tells one account from another in the state file, without saying a token. */
function nameOf({ credentials, token = '' }: Account): string {
  return credentials?.username ?? `token ${createHash('sha256').update(token).digest('hex').slice(0, 16)}`;
}

function readAccount({ username, password, token }: BotConfig): Account {
  const hasBoth = username !== undefined && username !== '' && password !== undefined && password !== '';
  const hasToken = token !== undefined && token !== '';
  if (!hasBoth && !hasToken) {
    throw new Error('The bot needs an account: set FINBOT_USERNAME and FINBOT_PASSWORD, or FINBOT_TOKEN.');
  }
  return { ...(hasBoth ? { credentials: { username, password } } : {}), ...(hasToken ? { token } : {}) };
}
